/** A count with its thousands apart: 12,220. */
export function formatCount(count: number): string {
  return String(count).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}

/** A count with its noun, one or several: `1 frame`, `160 frames`. */
export function formatQuantity(count: number, noun: string): string {
  return `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;
}

/** Nats, to the last of the digits in which sound results agree. */
export function formatNats(value: number): string {
  // Adding 0 turns −0 into 0.
  return (Number(value.toFixed(6)) + 0).toFixed(6);
}

/** A share as a percentage; what is neither none nor all never reads as 0 % or 100 %. */
export function formatShare(share: number): string {
  const percent = 100 * share;
  if (share > 0 && percent < 0.01) return '<0.01 %';
  if (share < 1 && percent > 99.99) return '>99.99 %';
  return `${Number(percent.toFixed(2))} %`;
}

/** A number to so many significant digits, without trailing zeros. */
export function formatReal(value: number, digits = 5): string {
  const rounded = Number(value.toPrecision(digits));
  return rounded !== 0 && Math.abs(rounded) < 1e-3 ? rounded.toExponential() : String(rounded);
}

/** Seconds as a person reads them: `0.4 s`, `42 s`, `3 min 20 s`, `2 h 5 min`. */
export function formatSeconds(seconds: number): string {
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}

/** A size in GiB, MiB or KiB, to two or three digits. */
export function formatBytes(bytes: number): string {
  for (const [unit, size] of [
    ['GiB', 2 ** 30],
    ['MiB', 2 ** 20],
  ] as const) {
    if (bytes >= size) return `${(bytes / size).toFixed(bytes < 100 * size ? 1 : 0)} ${unit}`;
  }
  return `${Math.round(bytes / 1024)} KiB`;
}
