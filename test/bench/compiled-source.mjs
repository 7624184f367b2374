/**
 * Loader hook for benchmarks: the product runs as tsc compiles it, not as the TypeScript loader of the tests does, which names every
 * closure at run time and so makes hot paths slower. `BENCH_COMPILED` is the folder with the compiled `src`.
 */
import { register } from 'node:module';
import { isMainThread } from 'node:worker_threads';

const source = new URL('../../src/', import.meta.url).href;
const compiled = process.env.BENCH_COMPILED;

if (isMainThread && compiled) register(import.meta.url);

/** Takes the compiled file in place of a source file. */
export async function resolve(specifier, context, next) {
  const found = await next(specifier, context);
  if (!compiled || !found.url.startsWith(source) || !found.url.endsWith('.ts')) return found;
  return { url: `${compiled}/${found.url.slice(source.length, -3)}.js`, format: 'module', shortCircuit: true };
}
