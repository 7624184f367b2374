/** The focus's contract on the embedded SIP agent and mixer. */
import { startEmbedded } from './embedded-place.ts';
import { sipFocusContract } from './sip-focus-contract.ts';

sipFocusContract('embedded', startEmbedded);
