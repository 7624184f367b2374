/** A storm of joins on the embedded SIP agent and mixer. */
import { startEmbedded } from './embedded-place.ts';
import { notifyStormContract } from './notify-storm-contract.ts';

notifyStormContract('embedded', startEmbedded);
