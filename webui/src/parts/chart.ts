/** Pure parts of a chart: what is drawn, before anything is drawn. */

export interface Point {
  /** Where it stands on the axis, in words. */
  at: string;
  /** Null where nothing is known: a hole in a line, no bar. */
  value: number | null;
}

/** One colour of the chart; all series of a chart have the same places in the same order. */
export interface Series {
  label: string;
  points: Point[];
}

export interface Part {
  series: number;
  from: number;
  to: number;
}

export interface Bar {
  at: string;
  total: number;
  parts: Part[];
}

/** The series on top of each other, place by place. */
export function stacked(series: Series[]): Bar[] {
  return (series[0]?.points ?? []).map(({ at }, place) => {
    let total = 0;
    const parts: Part[] = [];
    series.forEach((one, index) => {
      const value = one.points[place]?.value ?? 0;
      if (value > 0) parts.push({ series: index, from: total, to: total + value });
      total += value;
    });
    return { at, total, parts };
  });
}

/** The largest value of all series. */
export function highest(series: Series[]): number {
  return Math.max(0, ...series.flatMap((one) => one.points.map(({ value }) => value ?? 0)));
}

/** A line through the known values, as an SVG path; a value between two holes is a dot. */
export function path(points: Point[], x: (place: number) => number, y: (value: number) => number): string {
  let drawn = "";
  points.forEach(({ value }, place) => {
    if (value === null) return;
    const known = place > 0 && points[place - 1]?.value != null;
    drawn += `${known ? "L" : "M"}${x(place).toFixed(1)} ${y(value).toFixed(1)}${known ? "" : "h0"}`;
  });
  return drawn;
}

/** Whole round numbers from 0 to at least `most`, at most five of them. */
export function ticks(most: number): number[] {
  const rough = Math.max(1, most) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = Math.max(1, [1, 2, 5, 10].map((times) => times * power).find((one) => one >= rough) ?? rough);
  const count = Math.ceil(Math.max(1, most) / step);
  return Array.from({ length: count + 1 }, (_, place) => place * step);
}

/** The largest series in their own order, and the rest as one: nobody tells more than `most` colours apart. */
export function folded(series: Series[], most: number, others: string): Series[] {
  const sum = (one: Series): number => one.points.reduce((total, { value }) => total + (value ?? 0), 0);
  if (series.length <= most) return series;
  const sorted = series.toSorted((one, other) => sum(other) - sum(one));
  const rest = sorted.slice(most - 1);
  const points = (rest[0]?.points ?? []).map(({ at }, place) => ({ at, value: rest.reduce((total, one) => total + (one.points[place]?.value ?? 0), 0) }));
  return [...series.filter((one) => !rest.includes(one)), { label: others, points }];
}

/** Every how many places a name fits under the axis. */
export function every(places: number, width: number, each = 72): number {
  return Math.max(1, Math.ceil((places * each) / Math.max(width, 1)));
}
