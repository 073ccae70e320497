import type { Fractions } from "../api/types.ts";

/** Geometry of the page view. Boxes are fractions of the page, sizes are CSS pixels. */

export interface Size {
  width: number;
  height: number;
}

export const ZOOM = { least: 1, most: 4, step: 1.3 } as const;
const WIDTHS = [800, 1200, 1600, 2000, 2400];
const COMFORT = 0.94;
const OPENING = 2;

export function union(boxes: readonly Fractions[]): Fractions | null {
  if (boxes.length === 0) return null;
  return [
    Math.min(...boxes.map((box) => box[0])),
    Math.min(...boxes.map((box) => box[1])),
    Math.max(...boxes.map((box) => box[2])),
    Math.max(...boxes.map((box) => box[3])),
  ];
}

export function limited(zoom: number): number {
  return Math.min(ZOOM.most, Math.max(ZOOM.least, zoom));
}

/** Zoom (1 = page as wide as the view) at which the box fills the view's width, not beyond twice the page. */
export function openingZoom(box: Fractions | null): number {
  if (!box) return 1;
  const width = Math.max(0.05, box[2] - box[0]);
  return Math.min(OPENING, limited(COMFORT / width));
}

/** Zoom at which the whole page stands in the view; may be below 1. */
export function wholePage(view: Size, page: Size): number {
  if (view.width === 0 || page.width === 0) return 1;
  return Math.min(1, (view.height * page.width) / (page.height * view.width));
}

/** Where to scroll so that the box stands in the middle, or from its top where it is taller than the view. */
export function scrollTo(box: Fractions | null, content: Size, view: Size): { left: number; top: number } {
  if (!box) return { left: 0, top: 0 };
  const [x0, y0, x1, y1] = [box[0] * content.width, box[1] * content.height, box[2] * content.width, box[3] * content.height];
  const left = (x0 + x1 - view.width) / 2;
  const margin = view.height * 0.06;
  const top = y1 - y0 > view.height - 2 * margin ? y0 - margin : (y0 + y1 - view.height) / 2;
  return { left: Math.max(0, left), top: Math.max(0, top) };
}

/** Width in pixels to ask the node for: the next step up, so that few different images are made. */
export function imageWidth(shown: number, density: number): number {
  const wanted = shown * Math.min(2, density);
  return WIDTHS.find((width) => width >= wanted) ?? 2400;
}
