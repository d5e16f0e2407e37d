"""Last hand on the pages that nbdev has processed, before they are rendered: `python tools/site_pages.py [FOLDER]`

Quarto runs it on _proc/ (`pre-render` in nbs/_quarto.yml), tools/build_site.py on its own copy. What is exported with its
source stands once: a heading and the source, in place of a card with the same signature and comments. A section that its
page marks is folded. Links to source files are written only if settings.ini has a `git_url`; then each page gets links to
Colab, to its source, and for reports.
The model that comes with the package and the time-lapse of the run in examples/timelapse are put beside them as pages of
their own, by the package; all else uses the standard library alone, as Quarto may run it by a Python of its own choice."""
import argparse, configparser, json, re, sys
from pathlib import Path
from urllib.parse import quote

root = Path(__file__).resolve().parent.parent
settings = root/'settings.ini'

def markdown(id, source): return dict(cell_type='markdown', id=id, metadata={}, source=source)

def is_card(cell): return cell['cell_type'] == 'code' and re.search(r'^show_doc\(', ''.join(cell['source']), re.M)

def is_source(cell): return cell['cell_type'] == 'code' and '"Exported source"' in ''.join(cell['source'])

def card_text(card): return ''.join(''.join(out['data'].get('text/markdown', '')) for out in card['outputs'] if 'data' in out)

def card_name(card): return re.search(r'^### (.+)$', card_text(card), re.M)[1]

def heading(cards):
    "One heading for all that the next cell defines; each name remains a place to link to."
    cards = cards[::-1]   # nbdev begins with the last
    names = [card_name(card) for card in cards]
    owner = names[0].rpartition('.')[0]
    short = [names[0], *(n.removeprefix(f'{owner}.') if owner else n for n in names[1:])]
    source = re.search(r'^\[source\]\(.*$', card_text(cards[0]), re.M)
    places = ''.join(f'<span id="{n.lower()}"></span>' for n in names[1:])
    return markdown(cards[0]['id'], '\n\n'.join(filter(None, [source and source[0], f'### {", ".join(short)} {{#{names[0].lower()}}}', places])))

def once(cells):
    "A heading in place of the cards that stand around a cell with their source."
    out = []
    while cells:
        if is_card(cells[0]) and len(cells) > 1 and is_source(cells[1]):
            text = ''.join(cells[1]['source'])
            here = lambda c: is_card(c) and re.search(rf'^(class|def) {card_name(c).split(".")[-1]}\b', text, re.M)
            n = next((i for i,c in enumerate(cells[2:]) if not here(c)), len(cells)-2)
            source = cells[1] | dict(source=text.replace('#| code-fold: show\n#| code-summary: "Exported source"\n', ''))
            out += [heading([cells[0], *cells[2:2+n]]), source]
            cells = cells[2+n:]
        else: out.append(cells[0]); cells = cells[1:]
    return out

def fold(cells):
    "Fold what stands between `<!-- fold: WORDS -->` and the next heading of the page's own; WORDS remain."
    out,folded = [],False
    for cell in cells:
        text = ''.join(cell['source'])
        if cell['cell_type'] == 'markdown':
            if folded and re.search(r'^#{2,3} (?!.*\{#)', text, re.M):
                out.append(markdown(f'{cell["id"]}-fold', '</details>'))
                folded = False
            if folded: text = re.sub(r'^### (.+) \{#(.+)\}$', r'<h4 id="\2">\1</h4>', text, flags=re.M)   # begins no section
            text,n = re.subn('<!-- fold: (.*?) -->', r'<details class="steps">\n<summary>\1</summary>\n', text)
            folded = folded or n > 0
        out.append(cell | dict(source=text))
    return out + [markdown('fold-end', '</details>')]*folded

def links(git_url, branch, page):
    "What a reader may want to do with this page, in one line."
    file,report = f'blob/{branch}/nbs/{page}',f'issues/new?title={quote(f"On the page {page}: ")}'
    colab = re.sub('^https://github.com/', 'https://colab.research.google.com/github/', git_url)
    pairs = [('Open in Colab', f'{colab}/{file}')]*(colab != git_url) + [('View source', f'{git_url}/{file}'), ('Report a problem', f'{git_url}/{report}')]
    return ' · '.join(f'[{text}]({url})' for text,url in pairs)

def finish(folder):
    "Change the pages in this folder, where they stand; what is done already stays as it is."
    conf = configparser.ConfigParser()
    conf.read(settings, encoding='utf-8')
    git_url,branch = conf['DEFAULT'].get('git_url', '').rstrip('/'),conf['DEFAULT']['branch']
    for page in sorted(folder.glob('*.ipynb')):
        nb = json.loads(page.read_text(encoding='utf-8'))
        nb['cells'] = fold(once(nb['cells']))
        if not git_url:
            for cell in nb['cells']:
                for out in [cell, *cell.get('outputs', [])]:
                    data,key = (out,'source') if out is cell else (out.get('data', {}),'text/markdown')
                    if key in data: data[key] = re.sub(r'\[source\]\([^)]*\)\{[^}]*\}', '', ''.join(data[key]))
        elif not any(c.get('id') == 'pagelinks' for c in nb['cells']):
            nb['cells'].insert(1, markdown('pagelinks', links(git_url, branch, page.name)))
        page.write_text(json.dumps(nb, indent=1, ensure_ascii=False), encoding='utf-8')
    write_pages(folder)

def write_pages(folder):
    "What several pages show in a frame."
    sys.path.append(str(root))
    try:
        from minigpt.run import minigpt_play
        from minigpt.timelapse import timelapse
    except ImportError as e: sys.exit(f'minigpt is needed, too ({e}): let QUARTO_PYTHON name a Python that has its requirements')
    minigpt_play('shakespeare-small', out=str(folder/'shakespeare-small.html'))
    (folder/'timelapse_run.html').write_text(timelapse(root/'examples'/'timelapse'), encoding='utf-8')

def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', nargs='?', type=Path, default=Path(), help='where the processed pages lie (default: here)')
    finish(parser.parse_args().folder)

if __name__ == '__main__': main()
