/** The harness's own phones and watchers on the embedded SIP agent and mixer. */
import { startEmbedded } from './embedded-place.ts';
import { phonesOnTheFocus } from './harness-phone-contract.ts';
import { watchersOnTheFocus } from './harness-watcher-contract.ts';

phonesOnTheFocus('the embedded agent and mixer', startEmbedded);
watchersOnTheFocus('the embedded agent and mixer', startEmbedded);
