"""How the web page looks: dense, one accent colour, usable on a phone's width."""

from __future__ import annotations

from typing import Final

ACCENT: Final = "#1f5fbf"

CSS: Final = """
:root { --accent: #1f5fbf; --line: #dde3ea; --faint: #667085; --ground: #f4f6f9; }
body { background: var(--ground); color: #1d2733; font-size: 14px;
  font-family: system-ui, "Segoe UI", "PingFang SC", "Microsoft YaHei", "Noto Sans CJK SC",
    "WenQuanYi Micro Hei", sans-serif; }
.nicegui-content { padding: 12px 16px; gap: 12px; max-width: 1400px; margin: 0 auto; }
.cb-header { background: #fff; color: #1d2733; border-bottom: 1px solid var(--line);
  padding: 0 16px; gap: 0; }
.cb-bar { display: flex; align-items: center; gap: 4px 16px; width: 100%; min-height: 44px; }
.cb-title { font-weight: 700; color: var(--accent); white-space: nowrap; }
.cb-nav { display: flex; gap: 2px; overflow-x: auto; flex: 1; scrollbar-width: none; }
.cb-nav a { padding: 12px 9px 9px; white-space: nowrap; color: #344054; text-decoration: none;
  border-bottom: 3px solid transparent; }
.cb-nav a:hover { color: var(--accent); }
.cb-nav a.here { color: var(--accent); border-color: var(--accent); font-weight: 600; }
.cb-lights { display: flex; align-items: center; gap: 6px; width: 100%; padding: 0 0 7px;
  flex-wrap: wrap; font-size: 12px; color: var(--faint); }
.cb-light { display: inline-block; width: 11px; height: 11px; border-radius: 50%;
  background: #b8c0cc; }
.cb-light.green { background: #2e9e5b; } .cb-light.yellow { background: #e2a400; }
.cb-light.red { background: #d92d20; box-shadow: 0 0 0 2px #fecdca; }
.cb-panel { background: #fff; border: 1px solid var(--line); border-radius: 6px; padding: 12px 14px;
  width: 100%; overflow-x: auto; }
.cb-panel h2 { font-size: 15px; line-height: 1.3; font-weight: 600; margin: 0 0 8px; }
.cb-row { display: flex; gap: 8px; align-items: center; flex-wrap: wrap; width: 100%;
  padding: 4px 0; }
.cb-row.top { align-items: flex-start; }
.cb-grow { flex: 1; }
.cb-table { width: 100%; border-collapse: collapse; }
.cb-table th { text-align: left; font-weight: 600; color: var(--faint); font-size: 12px;
  padding: 4px 8px; border-bottom: 1px solid var(--line); white-space: nowrap; }
.cb-table td { padding: 3px 8px; border-bottom: 1px solid #eef1f5; white-space: nowrap;
  vertical-align: middle; }
.cb-table td.wrap { white-space: normal; overflow-wrap: anywhere; }
.cb-table td.num, .cb-table th.num { text-align: right; font-variant-numeric: tabular-nums; }
.cb-table tr:hover td { background: #f8fafc; }
.cb-table .q-btn { padding: 0 9px; min-height: 24px; font-size: 12px; }
.cb-table .section td { color: var(--faint); font-size: 12px; padding-top: 12px; }
.cb-state { display: inline-block; padding: 1px 8px; border-radius: 9px; font-size: 12px;
  background: #eef1f5; color: #475467; white-space: nowrap; }
.cb-state.good { background: #e3f5ea; color: #177245; }
.cb-state.bad { background: #fdeae8; color: #b42318; }
.cb-state.busy { background: #fdf3d8; color: #8a5a00; }
.cb-buttons { display: flex; gap: 4px; }
.cb-bad { color: #b42318; }
.cb-faint { color: var(--faint); font-size: 12px; }
.cb-mono { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, "WenQuanYi Micro Hei Mono",
  monospace; font-size: 12px; }
.cb-log { width: 100%; height: calc(100vh - 230px); min-height: 240px; overflow: auto;
  white-space: pre-wrap; overflow-wrap: anywhere; background: #101828; color: #e4e7ec;
  padding: 8px 10px; border-radius: 4px; line-height: 1.45; }
.q-btn { text-transform: none; }
.w-full { width: 100%; }
.cb-select { min-width: 170px; }
.cb-columns { display: flex; gap: 12px; width: 100%; align-items: flex-start; }
.cb-main { flex: 1; min-width: 0; display: flex; flex-direction: column; gap: 12px; }
.cb-side { width: 250px; flex: none; display: flex; flex-direction: column; gap: 12px; }
.cb-halves { display: grid; grid-template-columns: 1fr 1fr; gap: 12px; width: 100%;
  align-items: start; }
.cb-halves > * { min-width: 0; }
.cb-chart { width: 100%; height: 260px; }
.cb-chart .nicegui-echart { height: 100%; }
.cb-heading { align-items: baseline; margin-bottom: 4px; }
.cb-instrument { font-weight: 600; }
.cb-last { font-size: 20px; font-weight: 600; font-variant-numeric: tabular-nums; }
.cb-code { width: 150px; }
.cb-red-up .cb-up, .cb-green-up .cb-down { color: #c5221f; }
.cb-red-up .cb-down, .cb-green-up .cb-up { color: #13783f; }
.cb-choose { cursor: pointer; }
.cb-table tr.cb-choose td { padding-left: 6px; padding-right: 6px; }
.cb-table tr.chosen td { background: #eaf1fb; }
.cb-table tr.cb-old td, .cb-old .cb-table td, .cb-table tr.cb-old td.cb-up,
.cb-table tr.cb-old td.cb-down, .cb-old .cb-table td.cb-up, .cb-old .cb-table td.cb-down {
  color: #98a2b3; font-style: italic; }
.cb-table tr.cb-ask td:last-child, .cb-table tr.cb-bid td:last-child {
  background: linear-gradient(to left, #dbe7f8 var(--part, 0%), transparent var(--part, 0%)); }
.cb-order { width: 250px; flex: none; }
.cb-order .cb-panel { display: flex; flex-direction: column; gap: 8px; }
.cb-order .cb-panel > * { width: 100%; }
.cb-more .q-item { padding: 0; min-height: 30px; }
.cb-more .nicegui-expansion-content { padding: 4px 0; gap: 6px; }
.cb-more .nicegui-expansion-content > * { width: 100%; }
.cb-wide { width: 100%; }
.cb-button { border: 1px solid var(--accent); border-radius: 4px; padding: 3px 10px;
  color: var(--accent); text-decoration: none; font-size: 13px; }
.cb-table tr.cb-gap td { background: #fdf3d8; color: #8a5a00; }
.cb-scroll { max-height: 420px; overflow: auto; }
.cb-figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(120px, 1fr));
  gap: 6px 12px; margin-bottom: 8px; }
.cb-number { font-variant-numeric: tabular-nums; font-weight: 600; }
.cb-table tr.cb-edge td { border-top: 2px solid var(--line); }
.q-dialog .cb-panel { width: min(460px, 94vw); max-width: none; }
@media (max-width: 700px) {
  .nicegui-content { padding: 8px; }
  .cb-header { padding: 0 8px; }
  .cb-bar { flex-wrap: wrap; padding-top: 6px; }
  .cb-nav { order: 9; flex-basis: 100%; }
  .cb-nav a { padding: 5px 8px; }
  .cb-bar .cb-title { flex: 1; }
  .cb-table .wide { display: none; }
  .cb-table td, .cb-table th { padding-left: 4px; padding-right: 4px; }
  .cb-columns { flex-direction: column; }
  .cb-main, .cb-side, .cb-order { width: 100%; }
  .cb-halves { grid-template-columns: 1fr; }
  .cb-chart { height: 210px; }
}
"""
