"""A page in Chromium or in Firefox, for the tools that use one: Chromium by its DevTools protocol, Firefox by WebDriver
BiDi, which both have built in. Used alike:

    with browsers['firefox']() as page:
        page.open(url)
        page.key('Tab'); page.type('some text'); page.key('Control+Enter')
        print(page.js('document.title'), list(page.faults()))"""
import base64, json, os, shutil, signal, subprocess, sys, tempfile, time
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen
from websocket import create_connection   # comes with jupyterlab

# keys without a character of their own: a number in Chromium, a character of Unicode's private use in Firefox
keys = dict(Backspace=(8,'\ue003'), Tab=(9,'\ue004'), Enter=(13,'\ue007'), Escape=(27,'\ue00c'), End=(35,'\ue010'), Home=(36,'\ue011'),
            ArrowLeft=(37,'\ue012'), ArrowUp=(38,'\ue013'), ArrowRight=(39,'\ue014'), ArrowDown=(40,'\ue015'))
modifiers = dict(Control=(2,'\ue009'), Shift=(8,'\ue008'))

class Browser:
    "What both have: a process with a profile of its own, and a socket for commands, results and events."
    ready = "document.readyState === 'complete'"   # what `open` waits for

    def __init__(self):
        program = next(filter(None, map(shutil.which, self.programs)), None)
        if program is None: sys.exit(f'{self.programs[0]} is not installed (Debian: apt-get install {self.programs[0]})')
        self.n,self.events,self.opened,self.profile = 0,[],set(),tempfile.TemporaryDirectory(ignore_cleanup_errors=True)
        self.process = subprocess.Popen([program, *(f.format(self.profile.name) for f in self.flags)], start_new_session=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            end,port = time.time() + 60,Path(self.profile.name, self.port_file)
            while not (port.exists() and '\n' in port.read_text().strip()):
                if time.time() > end or self.process.poll() is not None: raise RuntimeError(f'{program} does not start')
                time.sleep(.1)
            self.connect(port.read_text())
        except BaseException: self.close(); raise

    def __enter__(self): return self
    def __exit__(self, *error): self.close()
    def close(self):
        with suppress(ProcessLookupError): os.killpg(self.process.pid, signal.SIGKILL)   # and the processes that it has begun
        self.process.wait()
        self.profile.cleanup()

    def socket(self, address): self.connection = create_connection(address, suppress_origin=True, timeout=120)

    def call(self, method, **params):
        self.n += 1
        self.connection.send(json.dumps(dict(id=self.n, method=method, params=params)))
        while (said := json.loads(self.connection.recv())).get('id') != self.n: self.events.append(said)
        if 'error' in said: raise RuntimeError(f"{method}: {said['error']} {said.get('message', '')}")
        return said['result']

    def open(self, url):
        self.opened.add(url.split('#')[0])
        self.go('about:blank')   # the same address with another hash would not load anew
        self.go(url)
        self.wait(self.ready)

    def wait(self, code, seconds=120):
        end = time.time() + seconds
        while not self.js(f'Boolean({code})'):
            if time.time() > end: raise RuntimeError(f'never came true: {code}')
            time.sleep(.05)

    def faults(self):
        "Errors, warnings, and each request for anything but the pages that were opened (Firefox: by http and ws alone)."
        self.js('0')   # with the result comes every event before it
        for method,said in ((e['method'],e['params']) for e in self.events):
            if method in ('Network.requestWillBeSent','network.beforeRequestSent'):
                url = said['request']['url']
                if not url.startswith(('about:','blob:','data:')) and url.split('#')[0] not in self.opened: yield f'asks for {url[:100]}'
            if method == 'log.entryAdded' and said['level'] in ('error','warn'): yield said['text']
            if method == 'Log.entryAdded': yield said['entry']['text']
            if method == 'Runtime.exceptionThrown':
                yield said['exceptionDetails'].get('exception', {}).get('description', said['exceptionDetails']['text'])
            if method == 'Runtime.consoleAPICalled' and said['type'] in ('error','warning'):
                yield ' '.join(str(a.get('value', a.get('description'))) for a in said['args'])

class Chromium(Browser):
    programs,port_file = ('chromium','chromium-browser','google-chrome'),'DevToolsActivePort'
    flags = ('--headless=new', '--no-sandbox', '--disable-gpu', '--remote-debugging-port=0', '--user-data-dir={}', 'about:blank')
    def connect(self, port):
        tabs = json.load(urlopen(f'http://127.0.0.1:{port.split()[0]}/json'))
        self.socket(next(t['webSocketDebuggerUrl'] for t in tabs if t['type'] == 'page'))
        for domain in ('Page','Runtime','Network','Log'): self.call(f'{domain}.enable')

    def go(self, url): self.call('Page.navigate', url=url)
    def before(self, code):
        "Run a program in every page before its own."
        self.call('Page.addScriptToEvaluateOnNewDocument', source=code)

    def js(self, code):
        "The value of a program; of a promise, what it is fulfilled with."
        result = self.call('Runtime.evaluate', expression=code, awaitPromise=True, returnByValue=True)
        if 'exceptionDetails' in result: raise RuntimeError(f"{code}: {result['exceptionDetails']}")
        value = result['result']
        return float(value['unserializableValue']) if 'unserializableValue' in value else value.get('value')

    def key(self, name):
        "Press 'Enter', or while another is held down 'Control+Enter'."
        *held,name = name.split('+')
        more = dict(text='\r') if name == 'Enter' else {}
        more.update(windowsVirtualKeyCode=keys[name][0], modifiers=sum(modifiers[h][0] for h in held))
        for kind in ('keyDown','keyUp'): self.call('Input.dispatchKeyEvent', type=kind, key=name, code=name, **more)
    def type(self, text): self.call('Input.insertText', text=text)
    def size(self, width, height=900):
        self.call('Emulation.setDeviceMetricsOverride', width=width, height=height, deviceScaleFactor=1, mobile=False)
    def scheme(self, name):
        self.call('Emulation.setEmulatedMedia', features=[dict(name='prefers-color-scheme', value=name)])
    def screenshot(self): return base64.b64decode(self.call('Page.captureScreenshot')['data'])

class Firefox(Browser):
    programs,port_file = ('firefox-esr','firefox'),'WebDriverBiDiServer.json'
    flags = ('--headless', '--remote-debugging-port=0', '--remote-allow-system-access', '--profile', '{}')   # access: for `scheme`
    def connect(self, port):
        self.socket(f"ws://127.0.0.1:{json.loads(port)['ws_port']}/session")
        self.call('session.new', capabilities={})
        self.context = self.call('browsingContext.create', type='tab')['context']   # in the first, the address bar has the focus
        self.call('session.subscribe', events=['log.entryAdded','network.beforeRequestSent'])

    def go(self, url): self.call('browsingContext.navigate', context=self.context, url=url, wait='complete')
    def before(self, code): self.call('script.addPreloadScript', functionDeclaration=f'() => {{ {code} }}')

    def js(self, code, context=None):
        result = self.call('script.evaluate', expression=code, awaitPromise=True, target=dict(context=context or self.context))
        if 'exceptionDetails' in result: raise RuntimeError(f"{code}: {result['exceptionDetails']}")
        return plain(result['result'])

    def press(self, *keys):
        each = [dict(type='keyDown', value=k) for k in keys] + [dict(type='keyUp', value=k) for k in reversed(keys)]
        self.call('input.performActions', context=self.context, actions=[dict(type='key', id='keyboard', actions=each)])
    def key(self, name):
        *held,name = name.split('+')
        self.press(*(modifiers[h][1] for h in held), keys[name][1])
    def type(self, text):
        for c in text: self.press(c)

    def size(self, width, height=900):
        self.call('browsingContext.setViewport', context=self.context, viewport=dict(width=width, height=height), devicePixelRatio=1)
    def scheme(self, name):   # BiDi has no command for it: a setting of the browser, changed in its own window
        window = self.call('browsingContext.getTree', **{'moz:scope': 'chrome'})['contexts'][0]['context']
        self.js(f"Services.prefs.setIntPref('layout.css.prefers-color-scheme.content-override', {('dark','light').index(name)})", window)
        self.wait(f"matchMedia('(prefers-color-scheme: {name})').matches", 10)
    def screenshot(self): return base64.b64decode(self.call('browsingContext.captureScreenshot', context=self.context)['data'])

def plain(said):
    "What WebDriver BiDi writes with types, without them."
    kind,value = said['type'],said.get('value')
    if kind == 'array': return [plain(v) for v in value]
    if kind == 'object': return {k: plain(v) for k,v in value}
    return float(value) if kind == 'number' and isinstance(value, str) else value   # 'NaN', '-0'

browsers = dict(chromium=Chromium, firefox=Firefox)
