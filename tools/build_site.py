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
    index_search()

class Sections(html.parser.HTMLParser):
    "The text of a page by the id of its innermost section; '' is what stands before all of them."
    def __init__(self, text):
        super().__init__()
        self.open,self.skip,self.texts = [],0,{}
        self.feed(re.search(r'<main.*</main>', text, re.S)[0])
    def handle_starttag(self, tag, attrs):
        if tag == 'section': self.open.append(dict(attrs).get('id', ''))
        self.skip += tag in ('script','style')
        self.part(tag)
    def part(self, tag):   # words on both sides of it are two
        if tag in ('p','div','li','dt','dd','td','th','pre','br','summary','figcaption','section'): self.handle_data(' ')
    def handle_endtag(self, tag):
        self.part(tag)
        if tag == 'section': self.open.pop()
        self.skip -= tag in ('script','style')
    def handle_data(self, data):
        here = self.open[-1] if self.open else ''
        if not self.skip: self.texts[here] = self.texts.get(here, '') + data

def index_search():
    "What search looks through, from the pages as they are: smalldocs takes code between < and > for tags."
    entries = json.loads((site/'search.json').read_text(encoding='utf-8'))
    pages = {name: Sections((site/name).read_text(encoding='utf-8')).texts for name in {e['href'].partition('#')[0] for e in entries}}
    for e in entries:
        name,_,place = e['href'].partition('#')
        e['text'] = ' '.join(pages[name].get(place, e['text']).split())
    (site/'search.json').write_text(json.dumps(entries, ensure_ascii=False), encoding='utf-8')

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
