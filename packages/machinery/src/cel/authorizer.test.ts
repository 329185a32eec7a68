import { describe, expect, test } from 'vitest'
import { celAuthorizer } from './authorizer.ts'
import { checkCel } from './check.ts'
import { typeOfText } from './declarations.ts'
import { evaluateCel } from './evaluate.ts'
import { parseCel } from './parse.ts'
import type { CelRights } from './rights.ts'

/** Allows what is asked of group `open`, of path `/open` and of the service account `ns/robot`; says what was asked. */
const rightsOf = (who: string): CelRights => ({
  decide: (asked) => ({
    allowed: asked.group === 'open' || asked.path === '/open' || who === 'ns/robot',
    reason: `${who} ${asked.verb} ${asked.path ?? [asked.group, asked.resource, asked.subresource, asked.namespace, asked.name].join(' ')}`,
  }),
  ofServiceAccount: (namespace, name) => rightsOf(`${namespace}/${name}`),
})
const about = { group: 'open', resource: 'pods', subresource: 'log', namespace: 'ns', name: 'a' }
const declared = new Map([['authorizer', typeOfText('Authorizer')]])
const value = (source: string) => {
  const node = parseCel(source)
  checkCel(source, node, declared)
  return evaluateCel(node, { authorizer: celAuthorizer(rightsOf('me'), about) })
}

describe('the authorizer in expressions', () => {
  test.each([
    ["authorizer.group('open').resource('pods').check('get').allowed()", true],
    ["authorizer.group('').resource('pods').check('get').allowed()", false],
    [
      "authorizer.group('apps').resource('d').subresource('scale').namespace('n').name('x').check('update').reason()",
      'me update apps d scale n x',
    ],
    ["authorizer.group('').resource('pods').fieldSelector('a=b').labelSelector('c').check('list').errored()", false],
    ["authorizer.group('').resource('pods').check('list').error()", ''],
    ["authorizer.path('/open').check('get').allowed()", true],
    ["authorizer.path('/healthz').check('get').reason()", 'me get /healthz'],
    ["authorizer.serviceAccount('ns', 'robot').group('').resource('pods').check('get').allowed()", true],
    ["authorizer.serviceAccount('ns', 'other').path('/x').check('get').reason()", 'ns/other get /x'],
    ["authorizer.requestResource.check('custom').reason()", 'me custom open pods log ns a'],
    ["authorizer.requestResource.name('b').check('get').reason()", 'me get open pods log ns b'],
  ])('%s', (source, expected) => {
    expect(value(source)).toBe(expected)
  })

  test.each([
    ["authorizer.path(' ').check('get').allowed()", 'path must not be empty'],
    ["authorizer.group('').resource('').check('get').allowed()", 'resource must not be empty'],
    ["authorizer.serviceAccount('n', 'Not_a_name').path('/').check('get').allowed()", 'Invalid service account name'],
    ["authorizer.serviceAccount('n.n', 'a').path('/').check('get').allowed()", 'Invalid service account namespace'],
    // A third question is more than one expression may ask.
    [
      "['get', 'list', 'watch'].all(verb, authorizer.group('open').resource('a').check(verb).allowed())",
      'operation cancelled: actual cost limit exceeded',
    ],
    ['authorizer.other', "undefined field 'other'"],
    [
      "authorizer.group('').check('get')",
      "found no matching overload for 'check' applied to 'kubernetes.authorization.GroupCheck.(string)'",
    ],
    ["authorizer.path('/').allowed()", "found no matching overload for 'allowed'"],
  ])('%s is refused', (source, text) => {
    expect(() => value(source)).toThrow(text)
  })
})
