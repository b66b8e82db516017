// Three kinds of test, told apart by their names: values (*.spec), real parts (*.medium.spec), the whole program (*.e2e.spec).
const common = {
  testEnvironment: 'node',
  extensionsToTreatAsEsm: ['.ts'],
  transform: { '^.+\\.ts$': ['<rootDir>/scripts/jest-transform.mjs'] },
  moduleNameMapper: {
    '^#migrations$': '<rootDir>/migrations/index.ts',
    '^#(\\w+)$': '<rootDir>/libs/$1/src/index.ts',
    '^(\\.{1,2}/.*)\\.js$': '$1',
  },
  moduleFileExtensions: ['ts', 'js', 'mjs', 'json', 'node'],
  modulePathIgnorePatterns: ['<rootDir>/dist/', '<rootDir>/\\.sightline'],
};
/** A database that this run's specs share; each spec file has a clone of its own. */
const withPostgis = {
  globalSetup: '<rootDir>/libs/testing/src/engine.ts',
  globalTeardown: '<rootDir>/libs/testing/src/global-teardown.ts',
};
const roots = ['<rootDir>/apps', '<rootDir>/libs', '<rootDir>/migrations'];

export default {
  projects: [
    { ...common, displayName: 'unit', roots, testRegex: '(?<!\\.(medium|e2e))\\.spec\\.ts$' },
    {
      ...common,
      ...withPostgis,
      displayName: 'medium',
      roots,
      testRegex: '\\.medium\\.spec\\.ts$',
    },
    {
      ...common,
      ...withPostgis,
      displayName: 'e2e',
      roots,
      testRegex: '\\.e2e\\.spec\\.ts$',
    },
  ],
  testSequencer: '<rootDir>/scripts/longest-first.mjs',
  testTimeout: 60_000,
  // Jest leaves one core idle, which of two is half; more would only fight over the embedded database's memory.
  maxWorkers: 2,
};
