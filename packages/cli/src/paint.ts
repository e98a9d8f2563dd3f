import pc from "picocolors";

type Paint = (text: string) => string;

export interface Paints {
  readonly red: Paint;
  readonly green: Paint;
  readonly yellow: Paint;
  readonly bold: Paint;
  readonly dim: Paint;
  readonly on: boolean;
}

/** Whether colours are wanted is decided in one place and told to this: picocolors' own guess is not asked. */
export function createPaints(on: boolean): Paints {
  const { red, green, yellow, bold, dim } = pc.createColors(on);
  return { red, green, yellow, bold, dim, on };
}
