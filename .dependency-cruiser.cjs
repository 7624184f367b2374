/** The arrows table: which folder may import which, and which packages (architecture). */
const all = ['identity', 'conference-info', 'policy', 'bus', 'sip-focus', 'muc-bridge', 'embedded', 'service'];
const ground = '^src/(errors|log|trace)\\.ts$';

/** Folder: [folders it may import, packages and Node built-ins it may import]. */
const arrows = {
  identity: [[], []],
  'conference-info': [['identity'], ['xml2js']],
  policy: [['conference-info', 'identity'], []],
  bus: [['conference-info', 'identity'], ['@nats-io/', 'zod', 'node:']],
  'sip-focus': [['bus', 'policy', 'conference-info', 'identity'], ['drachtio-srf', 'drachtio-fsmrf', 'drachtio-modesl', 'node:']],
  'muc-bridge': [['bus', 'policy', 'conference-info', 'identity'], ['@xmpp/component', 'node:']],
  embedded: [[], ['node:']],
};

const folderRules = Object.entries(arrows).map(([folder, [may]]) => ({
  name: `arrows-of-${folder}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: {
    path: `^src/(${all.filter((other) => other !== folder && !may.includes(other)).join('|')})/`,
    ...(folder === 'embedded' ? { pathNot: '^src/sip-focus/mixer\\.ts$' } : {}),
  },
}));

const packageRules = Object.entries(arrows).map(([folder, [, packages]]) => ({
  name: `packages-of-${folder}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: {
    dependencyTypes: ['npm', 'npm-dev', 'core'],
    ...(packages.length > 0 ? { pathNot: packages.map((name) => (name === 'node:' ? '^(node:)?[a-z_/]+$' : `node_modules/${name}`)) } : {}),
  },
}));

module.exports = {
  forbidden: [
    ...folderRules,
    ...packageRules,
    { name: 'no-cycles', severity: 'error', from: { path: '^src/' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'harness-stands-alone', severity: 'error', from: { path: '^test/harness/' }, to: { path: '^src/' } },
    { name: 'src-knows-no-test', severity: 'error', from: { path: '^src/' }, to: { path: '^(test|demo)/' } },
    { name: 'no-vague-names', severity: 'error', from: {}, to: { path: '^(src|test|demo)/.*/(utils|helpers|types|index)\\.ts$' } },
  ],
  options: { tsPreCompilationDeps: true, tsConfig: { fileName: 'tsconfig.json' }, doNotFollow: { path: 'node_modules' }, exclude: { path: '^dist/' } },
};
