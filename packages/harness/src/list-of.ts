/** `length` elements, each as `make` gives it. Every boot of every run makes some lists: Array.from takes several times as long. */
export function listOf<T>(length: number, make: (index: number) => T): T[] {
  const list: T[] = [];
  for (let index = 0; index < length; index++) list[index] = make(index);
  return list;
}
