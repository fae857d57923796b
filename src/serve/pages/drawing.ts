import type { CardBar, CardCurve } from "../../registry/card.ts";
import type { Html } from "./html.ts";
import { html } from "./html.ts";

/** Shorter bars could not be seen. */
const leastShare = 0.004;

const percent = (share: number): string => `${(100 * share).toFixed(2)}%`;

/** A bar over the width of its cell; the numbers beside it say the same. */
export function renderBar(bar: CardBar | null | undefined): Html | null {
  if (!bar) return null;
  const width = Math.max(leastShare, bar.to - bar.from);
  const x = Math.min(bar.from, 1 - width);
  return html`<svg class="bar" aria-hidden="true">
    <rect x="${percent(x)}" width="${percent(width)}" height="100%" rx="2" />
  </svg>`;
}

/** Side of the square and what is around it for the names of the axes. */
const [side, margin] = [220, 28];
const [smallest, largest] = [2.5, 9];

/** Points joined by a line beside the diagonal; the area of a point is the share of rows it stands for. */
export function renderCurve({ x, y, points }: CardCurve): Html {
  const at = (value: number): string => (side * value).toFixed(1);
  const up = (value: number): string => at(1 - value);
  const most = Math.max(...points.map(({ share }) => share));
  const radius = (share: number): string => (smallest + (largest - smallest) * Math.sqrt(share / most)).toFixed(1);
  const size = side + 2 * margin;
  return html`<svg class="curve" viewBox="${-margin} ${-margin} ${size} ${size}" role="img" aria-label="${y} by ${x}">
    <rect class="frame" width="${side}" height="${side}" rx="4" />
    <line class="ideal" x1="0" y1="${side}" x2="${side}" y2="0" />
    <polyline points="${points.map((point) => `${at(point.x)},${up(point.y)}`).join(" ")}" />
    ${points.map((point) => html`<circle cx="${at(point.x)}" cy="${up(point.y)}" r="${radius(point.share)}" />`)}
    <text x="${side / 2}" y="${side + 18}">${x}</text>
    <text x="${side / 2}" y="-10">${y}</text>
  </svg>`;
}
