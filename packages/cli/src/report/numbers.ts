/** A number as read best: with a decimal below ten, else whole, in groups of three. */
export function grouped(value: number): string {
  return value < 10 && !Number.isInteger(value) ? value.toFixed(1) : String(Math.round(value)).replace(/\B(?=(\d{3})+$)/g, ",");
}
