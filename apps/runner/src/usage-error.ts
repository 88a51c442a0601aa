/** What was asked for cannot be done, and that is known before any work: the command line, a path, an existing target. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'UsageError';
  }
}
