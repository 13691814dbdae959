import { ConfigError, loadConfig } from './config.js';
import { createLog } from './log.js';
import { startService } from './service.js';

/** EX_USAGE of sysexits.h. */
const EX_USAGE = 64;
/** What shells report for a program that was interrupted. */
const EX_INTERRUPTED = 130;

async function main() {
  let config;
  try {
    config = loadConfig(process.env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    console.error(error.message);
    process.exit(EX_USAGE);
  }
  const log = createLog(config.logLevel);
  let service;
  // Before it says that it listens: whoever reads that may send a signal.
  stopAtSignal(() => service?.stop(), log);
  try {
    service = await startService(config, log);
  } catch (error) {
    log.fatal({ reason: error.message }, 'cannot start');
    process.exit(1);
  }
}

function stopAtSignal(stop, log) {
  let stopping = false;
  const onSignal = async (signal) => {
    if (stopping) {
      log.warn({ signal }, 'shutdown asked for again: stopping at once');
      process.exit(EX_INTERRUPTED);
    }
    stopping = true;
    log.info({ signal }, 'shutdown asked for');
    await stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', onSignal);
  process.on('SIGINT', onSignal);
}

await main();
