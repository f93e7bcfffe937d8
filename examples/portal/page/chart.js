// Shares of agencies as bars. What the chart shows stands in a table as well.

import { draw, make } from "./elements.js";
import { count, say } from "./words.js";

const BAR = 22;

/** Names stand beside the bars, or above them where there is little room. */
const layout = () => (matchMedia("(max-width: 40rem)").matches
  ? { width: 340, bars: [0, 290], row: 58, text: 18, bar: 26 }
  : { width: 960, bars: [330, 880], row: 36, text: 23, bar: 7 });

/** What bars are made of: a measure, its colour, its word. */
export const PARTS = [["early", "early", "early"], ["on_time", "on-time", "onTime"],
  ["late", "late", "late"]];

// Late ones are hatched too: who sees no red sees lines.
const hatch = () => draw("defs", {}, draw("pattern", { id: "hatch", width: 6, height: 6,
  patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" },
draw("rect", { width: 6, height: 6, class: "late" }),
draw("line", { x1: 0, y1: 0, x2: 0, y2: 6, stroke: "#fff", "stroke-width": 1.6 })));

const fill = (part) => (part === "late" ? { fill: "url(#hatch)" } : { class: part });

export const legend = () => make("ul", { class: "legend" }, PARTS.map(([, part, word]) =>
  make("li", {}, draw("svg", { viewBox: "0 0 12 12", "aria-hidden": "true" },
    part === "late" && hatch(), draw("rect", { width: 12, height: 12, rx: 2, ...fill(part) })),
  say(word))));

function bar(row, y, { width, bars: [from, to], text, bar }) {
  let x = from;
  const parts = PARTS.map(([measure, part]) => {
    const long = ((to - from) * row[measure]) / row.finished;
    const one = long > 0 && draw("rect", { x, y: y + bar, width: long, height: BAR, ...fill(part) });
    x += long;
    return one;
  });
  return [
    draw("text", { x: 0, y: y + text }, row.name),
    draw("g", { class: "bar" }, parts),
    draw("text", { x: width, y: y + bar + 16, "text-anchor": "end" }, count(row.finished)),
  ];
}

/** Bars of rows that have `name`, `finished` and the measures of `PARTS`. */
export function chart(rows) {
  const place = layout();
  const height = rows.length * place.row + 26;
  const head = draw("text", { x: place.width, y: 16, "text-anchor": "end" }, say("all"));
  return draw("svg", { class: "chart", viewBox: `0 0 ${place.width} ${height}`, role: "img",
    "aria-label": say("chart", { n: rows.length }) },
  hatch(), head, rows.map((row, at) => bar(row, at * place.row + 24, place)));
}
