// The curve of one sensor over the last three minutes, at the times its readings bear.

const SPAN = 180_000;
const MOST = 700;
const GAP = 45_000; // no line is drawn over a longer silence: nobody knows what was then

export class Curve {
  #canvas;
  #edge;
  #points = [];

  // `edge`: it tells of changes alone, and stays as it is in between.
  constructor(canvas, edge) {
    this.#canvas = canvas;
    this.#edge = edge;
  }

  // Readings that waited come late, and are put where they belong.
  add(time, value) {
    if (!Number.isFinite(time) || !Number.isFinite(value)) return;
    let at = this.#points.length;
    while (at > 0 && this.#points[at - 1].time > time) at -= 1;
    if (at > 0 && this.#points[at - 1].time === time) return;
    this.#points.splice(at, 0, { time, value });
    if (this.#points.length > MOST) this.#points.shift();
  }

  draw(now) {
    const canvas = this.#canvas, scale = devicePixelRatio || 1;
    const width = canvas.clientWidth, height = canvas.clientHeight;
    if (!width) return;
    if (canvas.width !== Math.round(width * scale) || canvas.height !== Math.round(height * scale)) {
      canvas.width = Math.round(width * scale);
      canvas.height = Math.round(height * scale);
    }
    const pen = canvas.getContext("2d"), style = getComputedStyle(canvas);
    pen.setTransform(scale, 0, 0, scale, 0, 0);
    pen.clearRect(0, 0, width, height);
    const points = this.#shown(now);
    if (!points.length) return;
    const { low, high } = range(points);
    const x = (time) => ((time - now + SPAN) / SPAN) * (width - 4);
    const y = (value) => height - 12 - ((value - low) / (high - low)) * (height - 18);
    grid(pen, style, width, height, low, high, y);
    pen.strokeStyle = style.getPropertyValue("--green");
    pen.fillStyle = pen.strokeStyle;
    pen.lineWidth = 2;
    pen.lineJoin = "round";
    pen.beginPath();
    points.forEach((point, index) => {
      const before = points[index - 1];
      if (before && this.#edge) pen.lineTo(x(point.time), y(before.value));
      if (before && (this.#edge || point.time - before.time <= GAP)) pen.lineTo(x(point.time), y(point.value));
      else pen.moveTo(x(point.time), y(point.value));
    });
    const end = points.at(-1);
    if (this.#edge) pen.lineTo(x(now), y(end.value));
    pen.stroke();
    pen.beginPath();
    pen.arc(this.#edge ? x(now) : x(end.time), y(end.value), 3, 0, 7);
    pen.fill();
  }

  #shown(now) {
    const first = this.#points.findIndex((point) => point.time >= now - SPAN);
    const shown = first < 0 ? [] : this.#points.slice(first).filter((point) => point.time <= now + 2000);
    const before = first < 0 ? this.#points.at(-1) : this.#points[first - 1];
    if (this.#edge && before && before.time < now) shown.unshift({ time: now - SPAN, value: before.value });
    return shown;
  }
}

function range(points) {
  let low = Infinity, high = -Infinity;
  for (const { value } of points) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  const least = Math.max(Math.abs(high) * 0.02, 0.5);
  if (high - low < least) {
    const middle = (high + low) / 2;
    return { low: middle - least / 2, high: middle + least / 2 };
  }
  return { low, high };
}

function grid(pen, style, width, height, low, high, y) {
  pen.strokeStyle = style.getPropertyValue("--line");
  pen.fillStyle = style.getPropertyValue("--soft");
  pen.lineWidth = 1;
  pen.font = "10px system-ui, sans-serif";
  const digits = high - low < 5 ? 1 : 0;
  for (const value of [low, high]) {
    const level = Math.round(y(value)) + 0.5;
    pen.beginPath();
    pen.moveTo(0, level);
    pen.lineTo(width, level);
    pen.stroke();
    pen.fillText(value.toFixed(digits), 0, value === low ? height - 2 : level + 10);
  }
}
