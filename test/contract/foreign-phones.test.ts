/** SIP clients of others at the focus, on the embedded SIP agent and mixer. */
import { baresipContract } from './baresip-contract.ts';
import { startEmbedded } from './embedded-place.ts';
import { sippContract } from './sipp-contract.ts';

sippContract('the embedded agent and mixer', startEmbedded);
baresipContract('the embedded agent and mixer', startEmbedded);
