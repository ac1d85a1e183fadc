"""How a report looks, on a screen in the light and in the dark, and on paper."""

STYLE = """
:root{--bg:#f5f6f8;--card:#fff;--ink:#1b2430;--soft:#5d6b7c;--line:#e4e8ee;--c0:#2f6bd8;--c1:#f08a3c;--c2:#2fa37c;
--area:#2f6bd81a;--head:#eef2f8}
@media (prefers-color-scheme:dark){:root{--bg:#10151c;--card:#18202a;--ink:#e8edf4;--soft:#93a1b3;--line:#2a3542;
--c0:#6aa1ff;--c1:#ffab66;--c2:#5fd0a6;--area:#6aa1ff24;--head:#202b38}}
*{box-sizing:border-box}
body{margin:0;background:var(--bg);color:var(--ink);font:15px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,
sans-serif;font-variant-numeric:tabular-nums;-webkit-print-color-adjust:exact;print-color-adjust:exact}
main{max-width:1160px;margin:0 auto;padding:40px 24px 64px}
header{margin-bottom:28px}
.brand{margin:0 0 2px;color:var(--c0);font-weight:600;letter-spacing:.02em}
h1{margin:0 0 6px;font-size:34px;line-height:1.15;letter-spacing:-.01em}
h2{margin:0;font-size:16px}
small{color:var(--soft);font-weight:400}
.about{margin:0;font-size:16px}
.made,.note{margin:4px 0 0;color:var(--soft);font-size:13px}
.note{margin:10px 2px 0}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(150px,1fr));gap:12px}
.tile{background:var(--card);border:1px solid var(--line);border-radius:12px;padding:14px 16px}
.tile b{display:block;font-size:25px;line-height:1.2;font-weight:650;white-space:nowrap}
.tile span{color:var(--soft);font-size:13px}
.charts{display:grid;grid-template-columns:repeat(auto-fit,minmax(min(100%,480px),1fr));gap:16px;margin-top:20px}
figure{display:flex;flex-direction:column;margin:0;background:var(--card);border:1px solid var(--line);
border-radius:12px;padding:16px 18px 12px;
break-inside:avoid}
figcaption{display:flex;flex-wrap:wrap;align-items:baseline;justify-content:space-between;gap:4px 16px;
margin-bottom:8px}
.keys{display:flex;gap:16px;margin:0;padding:0;list-style:none;color:var(--soft);font-size:13px}
.keys i{display:inline-block;width:10px;height:10px;border-radius:3px;margin-right:6px}
.k0{background:var(--c0)}.k1{background:var(--c1)}.k2{background:var(--c2)}
svg{display:block;width:100%;height:auto;margin:auto 0;
font:12px system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
.grid{stroke:var(--line)}.axis{stroke:var(--soft);stroke-opacity:.6}
.tick{fill:var(--soft)}.name{fill:var(--ink);font-size:13px}.value{fill:var(--soft);font-size:13px}
.c0{fill:var(--c0)}.c1{fill:var(--c1)}.c2{fill:var(--c2)}
.line{fill:none;stroke-width:2;stroke-linejoin:round;stroke-linecap:round}
.s0{stroke:var(--c0)}.s1{stroke:var(--c1)}.s2{stroke:var(--c2)}.area{fill:var(--area)}
.list{margin-top:28px}
.list h2{font-size:19px;margin-bottom:10px}
.scroll{overflow-x:auto;background:var(--card);border:1px solid var(--line);border-radius:12px}
table{border-collapse:collapse;width:100%;font-size:13.5px}
th,td{padding:8px 12px;text-align:left;vertical-align:top;border-bottom:1px solid var(--line);overflow-wrap:break-word;
min-width:84px;max-width:340px}
th{background:var(--head);font-weight:600;vertical-align:bottom}
tbody tr:last-child td{border-bottom:0}
tbody tr:hover{background:var(--head)}
.num{text-align:right;white-space:nowrap}.when{white-space:nowrap}
@media print{
@page{size:A4 landscape;margin:12mm}
:root{--bg:#fff;--card:#fff;--ink:#111;--soft:#555;--line:#ddd;--c0:#2f6bd8;--c1:#f08a3c;--c2:#2fa37c;
--area:#2f6bd81a;--head:#f0f0f0}
body{font-size:11px}main{max-width:none;padding:0}
h1{font-size:24px}.tile b{font-size:18px}.tile{padding:8px 10px}.tiles{grid-template-columns:repeat(5,1fr)}
.charts{grid-template-columns:1fr 1fr}figure{padding:10px}
.scroll{overflow:visible;border:0}table{font-size:9px}th,td{padding:3px 5px;min-width:0}
thead{display:table-header-group}tr{break-inside:avoid}}
"""
