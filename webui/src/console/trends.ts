import type { Trends } from "../api/types.ts";
import type { Series } from "../parts/chart.ts";

type Point = Trends["points"][number];

/** One series of a chart; `at` says where a point stands, in words. */
export function series(points: Point[], label: string, at: (moment: string) => string, value: (point: Point) => number | null): Series {
  return { label, points: points.map((point) => ({ at: at(point.at), value: value(point) })) };
}

/** Requests that were answered; null where nothing is known. */
export function answered(point: Point): number | null {
  return point.requests === null ? null : Math.max(0, point.requests - (point.failed ?? 0));
}

/** In units of a thousand to this power, such as 2 for MB. */
export function scaled(count: number | null, power: number): number | null {
  return count === null ? null : count / 1000 ** power;
}
