"Build the site without Quarto: `python tools/build_site.py` writes _docs/ and checks its links, images and API pages."
import argparse, html.parser, json, re, shutil, subprocess, sys
from pathlib import Path
from urllib.parse import unquote, urlsplit

from nbdev.serve import proc_nbs
import site_pages

root = Path(__file__).resolve().parent.parent
site = root/'_docs'

def render():
    "nbdev's processed pages, renamed as Quarto would name them, rendered by smalldocs."
    proc_nbs(n_workers=0, force=True)
    pages = root/'_pages'
    for old in (pages, site): shutil.rmtree(old, ignore_errors=True)
    shutil.copytree(root/'_proc', pages)
    site_pages.finish(pages)   # as Quarto does it
    conf = (root/'_quarto.yml').read_text(encoding='utf-8')
    names = {}
    for page in sorted(pages.glob('*.ipynb')):
        first = ''.join(json.loads(page.read_text(encoding='utf-8'))['cells'][0]['source'])
        if name := re.search(r'^output-file: (.+)\.html$', first, re.M): names[page.name] = f'{name[1]}.ipynb'
    for page in sorted(pages.glob('*.ipynb')):
        text = page.read_text(encoding='utf-8')
        for old,new in names.items():
            text = text.replace(f']({old}', f']({new}')
            conf = re.sub(rf'(?<![\w.]){re.escape(old)}', new, conf)
        page.write_text(text, encoding='utf-8')
        page.rename(pages/names.get(page.name, page.name))
    (pages/'_quarto.yml').write_text(conf, encoding='utf-8')
    subprocess.run(['smalldocs', 'render', str(pages)], check=True)
    for theme in (pages/'_site').rglob('themes/*.css'):   # its fonts would be asked of another server (for Quarto: nbs/theme.scss)
        theme.write_text(re.sub(r'@import url\([^)]*\);?', '', theme.read_text(encoding='utf-8')), encoding='utf-8')
    shutil.move(pages/'_site', site)

class Links(html.parser.HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.links,self.ids = [],set()
        self.feed(text)
    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get('id'): self.ids.add(attrs['id'])
        for key in ('href', 'src'):
            if attrs.get(key): self.links.append(attrs[key])

def check():
    "What is wrong with the rendered site, a line each."
    pages = {p: Links(p.read_text(encoding='utf-8')) for p in site.rglob('*.html')}
    wrong = []
    for page,found in pages.items():
        for link in found.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc: continue
            base = site if parts.path.startswith('/') else page.parent
            target = (base/unquote(parts.path).lstrip('/')).resolve() if parts.path else page
            if target.is_dir(): target = target/'index.html'
            if not target.exists(): wrong.append(f'{page.name}: {link} leads nowhere')
            elif '=' in parts.fragment: continue   # settings, which a page reads from its address
            elif parts.fragment and target in pages and parts.fragment not in pages[target].ids:
                wrong.append(f'{page.name}: {link} has no such place')
    for module in sorted((root/'minigpt').glob('[!_]*.py')):
        page = pages.get(site/f'{module.stem}.html')
        if page is None: wrong.append(f'{module.stem}.html is missing'); continue
        public = re.search(r'__all__ = \[(.*?)\]', module.read_text(encoding='utf-8'), re.S)[1]
        for name in re.findall(r"'(\w+)'", public):
            documented = re.search(rf'^(?:@.*\n)*(?:class|def) {name}\b', module.read_text(encoding='utf-8'), re.M)
            if documented and name.lower() not in page.ids: wrong.append(f'{module.stem}.html does not document {name}')
    return wrong

def main():
    argparse.ArgumentParser(description=__doc__).parse_args()
    render()
    wrong = check()
    print('\n'.join(wrong) or f'{len(list(site.rglob("*.html")))} pages in {site.name}/, no link broken')
    sys.exit(len(wrong) > 0)

if __name__ == '__main__': main()
