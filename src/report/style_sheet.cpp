// Contrast, measured by the formula of WCAG 2.2: text at least 4.5:1 on its ground in both schemes, bars 3:1.
#include "report/markup.h"

namespace report {

const std::string_view style_sheet = R"css(
:root {
  color-scheme: light dark;
  --page: #f5f6f8; --card: #ffffff; --ink: #18202c; --muted: #556070; --line: #d8dde5; --empty: #eceff3;
  --link: #0b57b0; --would: #2f6fd6; --changed: #0f766e; --reported: #b46a00; --failed: #c1263c;
  --before: #fdf1f0; --after: #eef8f1; --tell: #eef4fd; --warn: #fff8e6; --warn-line: #b46a00;
}
@media screen and (prefers-color-scheme: dark) {
  :root {
    --page: #10151c; --card: #181f29; --ink: #e8ecf2; --muted: #a6b0be; --line: #2f3947; --empty: #232c38;
    --link: #8ab8ff; --would: #6ea5f8; --changed: #45c4b2; --reported: #e0a546; --failed: #ff7f8d;
    --before: #2b1f22; --after: #18291f; --tell: #1a2638; --warn: #2a2415; --warn-line: #e0a546;
  }
}
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; text-size-adjust: 100%; }
body {
  margin: 0; background: var(--page); color: var(--ink); overflow-wrap: anywhere;
  font: 1rem/1.55 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", "Liberation Sans", sans-serif;
}
.page { max-width: 68rem; margin: 0 auto; padding: 0 1.25rem 3rem; }
.skip { position: absolute; left: -999rem; }
.skip:focus { left: 1rem; top: 1rem; padding: .5rem .9rem; background: var(--card); color: var(--link); z-index: 1; }
:focus-visible { outline: 3px solid var(--link); outline-offset: 2px; border-radius: 3px; }
header.top { padding: 3rem 0 1.5rem; }
.kicker { margin: 0 0 .6rem; color: var(--muted); font-size: .85rem; font-weight: 600; letter-spacing: .04em; }
h1 { margin: 0 0 1rem; max-width: 27em; font-size: clamp(1.55rem, 1.15rem + 1.7vw, 2.3rem); line-height: 1.2;
  letter-spacing: -.015em; text-wrap: balance; }
h2 { margin: 3.2rem 0 .35rem; font-size: 1.4rem; line-height: 1.25; letter-spacing: -.01em; }
h3 { margin: 0; font-size: 1.08rem; line-height: 1.35; }
p { margin: .4rem 0; }
.lead, .intro { max-width: 46rem; color: var(--muted); }
.intro { margin-bottom: 1.1rem; }
bdi, code { unicode-bidi: isolate; }
code { font: .875em/1.5 ui-monospace, "Cascadia Mono", Menlo, Consolas, "Liberation Mono", monospace; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 1.1rem 1.25rem; }

.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(11.5rem, 1fr)); gap: 1px; margin: 0;
  padding: 0; overflow: hidden; background: var(--line); }
.figures > div { display: flex; flex-direction: column; padding: 1.1rem 1.25rem; background: var(--card); }
.figures dt { order: 1; color: var(--muted); font-size: .92rem; }
.figures dd { margin: 0; }
.figures .number { font-size: 2rem; font-weight: 650; line-height: 1.15; letter-spacing: -.02em;
  font-variant-numeric: tabular-nums; }
.figures .more { order: 2; color: var(--muted); font-size: .92rem; }
.notes { margin-top: 1.25rem; background: var(--warn); border-left: 4px solid var(--warn-line); }
.notes h2 { margin: 0 0 .3rem; font-size: 1.05rem; }
.notes ul { margin: 0; padding-left: 1.2rem; }
.notes li { margin: .3rem 0; font-size: .95rem; }

.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 24rem), 1fr)); gap: 1.25rem;
  align-items: start; }
.grid > * { min-width: 0; }
figure { margin: 0; }
figcaption { font-weight: 600; }
.legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; margin: .2rem 0 .6rem; padding: 0; list-style: none;
  color: var(--muted); font-size: .88rem; }
.legend svg { width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
svg { display: block; max-width: 100%; overflow: hidden; }
.legend svg { display: inline-block; }
svg text { fill: var(--muted); font-size: 12px; font-variant-numeric: tabular-nums; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--muted); }
svg rect { stroke: var(--card); stroke-width: 1px; }
svg .slot { fill: transparent; stroke: none; }
svg g:hover .slot { fill: var(--empty); }
svg.bar { margin-top: .3rem; border-radius: 4px; } svg.bar rect { stroke: none; } svg.bar .slot { fill: var(--empty); }
.would-rewrite { fill: var(--would); } .rewritten { fill: var(--changed); }
.reported { fill: var(--reported); } .failed { fill: var(--failed); }

table { width: 100%; border-collapse: collapse; font-size: .95rem; }
caption { padding-bottom: .5rem; text-align: left; font-weight: 600; }
th, td { padding: .5rem 0 .5rem .8rem; border-top: 1px solid var(--line); text-align: right; vertical-align: top;
  font-variant-numeric: tabular-nums; overflow-wrap: normal; white-space: nowrap; }
thead th { border-top: 0; padding-top: 0; color: var(--muted); font-size: .82rem; font-weight: 500;
  white-space: normal; }
th:first-child { width: 99%; padding-left: 0; text-align: left; font-weight: 500; white-space: normal;
  overflow-wrap: anywhere; }
.meaning { display: block; color: var(--muted); font-size: .88rem; font-weight: 400; }
.rest th { color: var(--muted); font-weight: 400; }
.plain caption { position: absolute; width: 1px; height: 1px; padding: 0; overflow: hidden; clip-path: inset(50%); }
.plain th:first-child { width: auto; white-space: nowrap; overflow-wrap: normal; }
.scroll { overflow-x: auto; }
details { margin-top: .8rem; }
summary { width: fit-content; color: var(--link); cursor: pointer; }
details[open] > summary { margin-bottom: .6rem; }

.applications { margin: 0; padding: 0; list-style: none; counter-reset: place; }
.applications > li { counter-increment: place; margin-bottom: 1.25rem; }
.application { display: grid; grid-template-columns: 2.2rem minmax(0, 1fr); column-gap: .6rem; }
.application::before { content: counter(place); color: var(--muted); font-size: 1.35rem; font-weight: 650;
  line-height: 1.1; font-variant-numeric: tabular-nums; }
.application > div { min-width: 0; }
.head { display: flex; flex-wrap: wrap; justify-content: space-between; align-items: baseline; gap: 0 1.5rem; }
.head p { margin: 0; }
.count { font-variant-numeric: tabular-nums; } .count strong { font-size: 1.08rem; }
.facts { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .2rem 1rem; margin: .8rem 0 0;
  font-size: .95rem; }
.facts dt { color: var(--muted); } .facts dd { margin: 0; }
.example { margin-top: .9rem; }
.example figcaption { margin-bottom: .3rem; color: var(--muted); font-size: .88rem; font-weight: 400; }
.example dl { margin: 0; border-radius: 6px; overflow: hidden; }
.example dl div { display: grid; grid-template-columns: 3.6rem minmax(0, 1fr); padding: .5rem .75rem; }
.example dt { color: var(--muted); font-size: .85rem; line-height: 1.6; } .example dd { margin: 0; }
.example .before { background: var(--before); border-left: 3px solid var(--failed); }
.example .after { background: var(--after); border-left: 3px solid var(--changed); }
.tell { margin: .9rem 0 0; padding: .6rem .85rem; border-left: 3px solid var(--would); border-radius: 6px;
  background: var(--tell); }
.tell strong { display: block; font-size: .85rem; }
.glossary { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .4rem 1.2rem; margin: .6rem 0 0; }
.glossary dt { font-weight: 600; } .glossary dd { margin: 0; }
footer { margin-top: 3rem; padding-top: 1rem; border-top: 1px solid var(--line); color: var(--muted);
  font-size: .9rem; }

@media (max-width: 34rem) {
  .page { padding: 0 .9rem 2rem; }
  header.top { padding-top: 1.8rem; }
  .card { padding: .95rem 1rem; border-radius: 8px; }
  .figures { padding: 0; grid-template-columns: 1fr 1fr; }
  .figures > div { padding: .9rem 1rem; }
  .figures > div:last-child:nth-child(odd) { grid-column: 1 / -1; }
  .figures .number { font-size: 1.55rem; }
  .application { grid-template-columns: minmax(0, 1fr); }
  .application::before { content: "No. " counter(place); font-size: .9rem; margin-bottom: .3rem; }
  .facts, .glossary { grid-template-columns: minmax(0, 1fr); gap: 0; }
  .facts dd, .glossary dd { margin-bottom: .5rem; }
  .example dl div { grid-template-columns: minmax(0, 1fr); }
}
@media print {
  @page { margin: 14mm; }
  :root { --page: #ffffff; color-scheme: light; font-size: 9.5pt; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  .page { max-width: none; padding: 0; }
  .skip { display: none; }
  header.top { padding-top: 0; }
  h2 { margin-top: 2rem; }
  h2, .intro, h3, caption, figcaption, thead { break-after: avoid; }
  svg, tr, .figures, .example, .tell { break-inside: avoid; }
  th, td { padding-top: .25rem; padding-bottom: .25rem; }
  summary { display: none; }
  details::details-content { content-visibility: visible; height: auto; }
}
)css";

}  // namespace report
