/** With `STACK=containers`: makes the image of the servers before any scenario starts, and tells the scenarios what there is. */
import type { TestProject } from 'vitest/node';
import { prepareServers, type ServersInContainers } from '../harness/containers/server-image.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** Null when the servers are to run on this machine. */
    containers: ServersInContainers | null;
  }
}

export default function setup(project: TestProject): void {
  project.provide('containers', process.env['STACK'] === 'containers' ? prepareServers() : null);
}
