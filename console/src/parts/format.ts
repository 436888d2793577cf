/** A duration for people: "85 ms", "1.2 s", "3 min 04 s", "2 h 05 min". */
export function duration(ms: number | undefined): string {
  if (ms === undefined || Number.isNaN(ms)) return '–';
  if (ms < 1) return '< 1 ms';
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(ms < 9_950 ? 2 : 1)} s`;
  const seconds = Math.round(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  return h === 0 ? `${m} min ${String(s).padStart(2, '0')} s` : `${h} h ${String(m).padStart(2, '0')} min`;
}

/** The time between two moments, the second being now if it is missing. */
export function between(from: string | null | undefined, to: string | null | undefined): string {
  return from ? duration(Math.max(0, (to ? Date.parse(to) : Date.now()) - Date.parse(from))) : '–';
}

/** Bytes by powers of 1,024: "1.4 MiB". */
export function bytes(count: number): string {
  const units = ['bytes', 'KiB', 'MiB', 'GiB', 'TiB'];
  let unit = 0;
  for (; count >= 1024 && unit < units.length - 1; unit++) count /= 1024;
  return `${unit === 0 ? count : count.toFixed(count < 10 ? 2 : count < 100 ? 1 : 0)} ${units[unit]}`;
}

const whole = new Intl.NumberFormat('en-US');

/** A number with at most five significant digits, a whole one with all; those JSON has no literal for come as their names. */
export function number(value: number | string | null | undefined): string {
  if (value === undefined || value === null) return '–';
  if (typeof value === 'string') return value;
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return whole.format(value);
  const size = Math.abs(value);
  return size !== 0 && (size < 1e-4 || size >= 1e7) ? value.toExponential(3) : String(Number(value.toPrecision(5)));
}

const clock = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

/** A moment in the reader's time zone. */
export const moment = (text: string | null | undefined) => (text ? clock.format(new Date(text)) : '–');

/** How long ago a moment is. */
export function ago(text: string | null | undefined): string {
  if (!text) return '–';
  const seconds = (Date.now() - Date.parse(text)) / 1000;
  const size = Math.abs(seconds);
  const [count, unit] =
    size < 5 ? [0, ''] : size < 90 ? [size, ' s'] : size < 5400 ? [size / 60, ' min'] : size < 129_600 ? [size / 3600, ' h'] : [size / 86_400, ' days'];
  return unit === '' ? 'now' : seconds < 0 ? `in ${Math.round(count)}${unit}` : `${Math.round(count)}${unit} ago`;
}
