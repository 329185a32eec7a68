/** A query parameter: name, JSON type, what it is for. */
export type QueryParameter = readonly [name: string, type: 'string' | 'boolean' | 'integer', description: string]

const dryRun: QueryParameter = [
  'dryRun',
  'string',
  'When present, nothing is persisted. The one value is All: every step up to the write is done.',
]
const fieldManager: QueryParameter = [
  'fieldManager',
  'string',
  'Name of the actor that makes the change, at most 128 printable characters.',
]
const fieldValidation: QueryParameter = [
  'fieldValidation',
  'string',
  'What to do about unknown and duplicate fields: Ignore drops them, Warn answers with a warning, Strict refuses the request. Warn is the default.',
]
const labelSelector: QueryParameter = ['labelSelector', 'string', 'Restricts the objects by their labels.']
const fieldSelector: QueryParameter = ['fieldSelector', 'string', 'Restricts the objects by their fields.']
const resourceVersion: QueryParameter = ['resourceVersion', 'string', 'Which resource versions the answer may come from.']

export const prettyParameter: QueryParameter = ['pretty', 'string', "If 'true', the answer is printed with indentation."]

const list: readonly QueryParameter[] = [
  ['allowWatchBookmarks', 'boolean', 'Asks a watch for events of type BOOKMARK, which tell how far it has come.'],
  ['continue', 'string', 'Where the next page of a list begins, as the page before told it.'],
  fieldSelector,
  labelSelector,
  ['limit', 'integer', 'How many objects a page holds at most.'],
  resourceVersion,
  ['resourceVersionMatch', 'string', 'How resourceVersion is to be met: Exact or NotOlderThan.'],
  ['sendInitialEvents', 'boolean', 'Asks a watch to begin with the objects that there are.'],
  ['timeoutSeconds', 'integer', 'How long the call may last.'],
  ['watch', 'boolean', 'Watches for changes and answers with a stream of them.'],
]
const remove: readonly QueryParameter[] = [
  dryRun,
  ['gracePeriodSeconds', 'integer', 'Seconds until the object goes; 0 means at once.'],
  ['ignoreStoreReadErrorWithClusterBreakingPotential', 'boolean', 'Removes an object whose stored form cannot be read.'],
  ['orphanDependents', 'boolean', 'Deprecated: whether dependents are left behind. Use propagationPolicy.'],
  ['propagationPolicy', 'string', 'What happens to dependents: Orphan, Background or Foreground.'],
]

/** By the action that x-kubernetes-action names. */
export const queryParameters: Readonly<Record<string, readonly QueryParameter[]>> = {
  get: [],
  list,
  post: [dryRun, fieldManager, fieldValidation],
  put: [dryRun, fieldManager, fieldValidation],
  patch: [dryRun, fieldManager, fieldValidation, ['force', 'boolean', 'Takes fields over that other managers own. For apply alone.']],
  delete: remove,
  deletecollection: [...list.filter(([name]) => name !== 'watch' && name !== 'allowWatchBookmarks'), ...remove],
  connect: [],
}
