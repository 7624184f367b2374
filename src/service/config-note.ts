/** What is said of a key in the sample configuration and in faults. */
import type { z } from 'zod';

/** The schema with a text for operators, and an example of a value. */
export const note = <T extends z.ZodType>(schema: T, description: string, example?: unknown): T =>
  schema.meta(example === undefined ? { description } : { description, example }) as T;
