/**
 * A condition variable without a lock: JavaScript runs one piece of code at a time, so what was true is still true until the next `await`.
 * After one, look again.
 */
export class Condition {
  private waiting: (() => void)[] = [];

  wait(): Promise<void> {
    return new Promise((wake) => {
      this.waiting.push(wake);
    });
  }

  notifyAll(): void {
    const woken = this.waiting;
    this.waiting = [];
    for (const wake of woken) wake();
  }
}
