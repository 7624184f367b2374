/** Where Prosody and nats-server of the demo run: as programs of this machine, or in containers. */
import { dockerRuns } from '../test/harness/containers/base-image.ts';
import { CONTAINER_ENV, containersOf } from '../test/harness/containers/containers.ts';
import { serverImage } from '../test/harness/containers/server-image.ts';
import { type Place, thisMachine } from '../test/harness/servers/place.ts';

/** `here`: programs on PATH. `docker`: containers, which use this machine's network and end with the demo. */
export type ServersWhere = 'here' | 'docker';

/**
 * The place; makes the image of the servers when Docker does not have it. Throws with what to do when there is no Docker, and with
 * what Docker said when the image cannot be made.
 * @param say is told of what takes long, before it begins
 */
export function serverPlace(where: ServersWhere, say: (line: string) => void): Place {
  if (where === 'here') return thisMachine;
  if (!dockerRuns()) throw new Error('--servers docker: no Docker engine answers ("docker info" says why)');
  Object.assign(process.env, CONTAINER_ENV);
  const image = serverImage('demo-servers');
  if (!image.exists) {
    say(
      `Docker builds the image of Prosody and nats-server, from Debian packages: minutes, and only this time (${image.tag})`,
    );
    image.make();
  }
  return containersOf(image.tag);
}
