import { expect, test } from 'vitest'
import { errorText } from '../field.ts'
import type { ObjectMeta } from '../meta.ts'
import { canonicalIp, cidrContains, ipFamilyOf, isCanonicalIp, isCidr, isIp, parseCidr } from './address.ts'
import { nameIsDnsSubdomain, nameIsPathSegment, validateFieldManager, validateObjectMeta, validateObjectMetaUpdate } from './objectmeta.ts'
import { isPortName } from './ports.ts'
import {
  isCIdentifier,
  isConfigMapKey,
  isDns1035Label,
  isDns1123Label,
  isDns1123Subdomain,
  isEnvVarName,
  isLabelValue,
  isPercent,
  isQualifiedName,
  isRelaxedEnvVarName,
  isWildcardDns1123Subdomain,
} from './syntax.ts'

const label =
  "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character (e.g. 'my-name',  or '123-abc', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?')"
const subdomain =
  "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
const name =
  "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character (e.g. 'MyName',  or 'my.name',  or '123-abc', regex used for validation is '([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"

test.each([
  [isDns1123Label, 'a-1', []],
  [isDns1123Label, '10', []],
  [isDns1123Label, 'constructor', []],
  [isDns1123Label, '__proto__', [label]],
  [isDns1123Label, '', [label]],
  [isDns1123Label, 'a\n', [label]],
  [isDns1123Label, 'a'.repeat(64), ['must be no more than 63 characters']],
  [isDns1123Label, 'É'.repeat(32), ['must be no more than 63 characters', label]],
  [isDns1123Subdomain, 'a.b-c.d', []],
  [isDns1123Subdomain, 'a..b', [subdomain]],
  [isDns1035Label, 'a1', []],
  [isWildcardDns1123Subdomain, '*.a.b', []],
  [isCIdentifier, '_a1', []],
  [isLabelValue, '', []],
  [isLabelValue, 'a_B.c', []],
  [isQualifiedName, 'app', []],
  [isQualifiedName, 'example.com/App.1', []],
  [isQualifiedName, '__proto__', [`name part ${name}`]],
  [isQualifiedName, '', ['name part must be non-empty', `name part ${name}`]],
  [isQualifiedName, '/a', ['prefix part must be non-empty']],
  [isQualifiedName, 'A/b c', [`prefix part ${subdomain}`, `name part ${name}`]],
  [isQualifiedName, 'a/b/c', [`a qualified name ${name} with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')`]],
  [isQualifiedName, 'a'.repeat(64), ['name part must be no more than 63 characters']],
  [isPercent, '5%', []],
  [
    isPercent,
    '5',
    [
      "a valid percent string must be a numeric string followed by an ending '%' (e.g. '1%',  or '93%', regex used for validation is '[0-9]+%')",
    ],
  ],
  [isConfigMapKey, 'a.b', []],
  [isConfigMapKey, '..', ["must not be '..'"]],
  [isConfigMapKey, '..a', ["must not start with '..'"]],
  [isEnvVarName, 'A.b-C', []],
  [isRelaxedEnvVarName, '1 a', []],
  [isRelaxedEnvVarName, 'a=', ["a valid environment variable name must consist only of printable ASCII characters other than '='"]],
  [isPortName, 'http-1', []],
  [
    isPortName,
    '-8--0-',
    ['must contain at least one letter (a-z)', 'must not contain consecutive hyphens', 'must not begin or end with a hyphen'],
  ],
])('%o of %j', (check, value, complaints) => expect(check(value)).toEqual(complaints))

test('addresses', () => {
  expect(['10.0.0.1', '010.0.0.1', '::1', '::ffff:1.2.3.4', 'fe80::1%eth0', '1.2.3', '256.1.1.1', ''].map(ipFamilyOf)).toEqual([
    4,
    4,
    6,
    4,
    undefined,
    undefined,
    undefined,
    undefined,
  ])
  expect(isIp('x')).toEqual(['must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)'])
  expect(['010.0.0.1', '2001:DB8:0:0::1', '::ffff:1.2.3.4', '1:0:0:2:0:0:0:3', '::', '1:0:2:3:4:5:6:7'].map(canonicalIp)).toEqual([
    '10.0.0.1',
    '2001:db8::1',
    '1.2.3.4',
    '1:0:0:2::3',
    '::',
    '1:0:2:3:4:5:6:7',
  ])
  expect(isCanonicalIp('2001:db8::1')).toEqual([])
  expect(isCanonicalIp('2001:db8:0::1')).toEqual(['must be in canonical form ("2001:db8::1")'])
})

test('prefixes', () => {
  expect(isCidr('10.0.0.0/8')).toEqual([])
  for (const bad of ['10.0.0.0', '10.0.0.0/33', 'x/8', '::/129', '10.0.0.0/-1', '/8'])
    expect(isCidr(bad)).toEqual(['must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)'])
  const cidr = parseCidr('10.1.0.0/16')
  expect(cidr && [cidrContains(cidr, '10.1.255.1'), cidrContains(cidr, '10.2.0.0'), cidrContains(cidr, '::1')]).toEqual([
    true,
    false,
    false,
  ])
})

const meta: Partial<ObjectMeta> = { name: 'a', namespace: 'b', resourceVersion: '1' }
const onCreate = (change: object, namespaced = true) =>
  validateObjectMeta({ ...meta, ...change }, namespaced, nameIsDnsSubdomain).map(errorText)
const onUpdate = (change: object, old: object = {}) => validateObjectMetaUpdate({ ...meta, ...change }, { ...meta, ...old }).map(errorText)

test('metadata of a new object', () => {
  expect(onCreate({})).toEqual([])
  expect(onCreate({ name: '' })).toEqual(['metadata.name: Required value: name or generateName is required'])
  expect(onCreate({ generateName: 'web-' })).toEqual([])
  expect(onCreate({ generateName: 'Web-' })).toEqual([`metadata.generateName: Invalid value: "Web-": ${subdomain}`])
  expect(onCreate({ namespace: undefined })).toEqual(['metadata.namespace: Required value'])
  expect(onCreate({}, false)).toEqual(['metadata.namespace: Forbidden: not allowed on this type'])
  expect(onCreate({ generation: -1 })).toEqual(['metadata.generation: Invalid value: -1: must be greater than or equal to 0'])
  expect(onCreate({ labels: { 'a/b/c': '', ok: 'x'.repeat(64) } })[1]).toBe(
    `metadata.labels: Invalid value: "${'x'.repeat(64)}": must be no more than 63 characters`,
  )
  expect(onCreate({ annotations: { 'Example.com/a': 'x'.repeat(262144 - 13) } })).toEqual([])
  expect(onCreate({ annotations: { a: 'x'.repeat(262144) } })).toEqual([
    'metadata.annotations: Too long: may not be more than 262144 bytes',
  ])
  expect(onCreate({ finalizers: ['nope', 'orphan', 'a/b'] })).toEqual([
    'metadata.finalizers[0]: Invalid value: "nope": name is neither a standard finalizer name nor is it fully qualified',
  ])
  expect(onCreate({ managedFields: [{ operation: 'Delete' }] })).toEqual([
    'metadata.managedFields[0].operation: Invalid value: "Delete": must be `Apply` or `Update`',
  ])
})

test('owners of a new object', () => {
  const owner = { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'r', uid: 'u', controller: true }
  expect(onCreate({ ownerReferences: [owner] })).toEqual([])
  expect(onCreate({ ownerReferences: [owner, { ...owner, name: 's' }] })[0]).toContain(
    'Only one reference can have Controller set to true. Found "true" in references for ReplicaSet/r and ReplicaSet/s',
  )
  expect(onCreate({ ownerReferences: [{ ...owner, apiVersion: '', uid: '' }] })).toEqual([
    'metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty',
    'metadata.ownerReferences.uid: Invalid value: "": uid must not be empty',
  ])
  expect(onCreate({ ownerReferences: [{ ...owner, apiVersion: 'v1', kind: 'Event' }] })[0]).toContain(
    'Invalid value: v1.OwnerReference{APIVersion:"v1", Kind:"Event", ',
  )
})

test('metadata of an update', () => {
  expect(onUpdate({})).toEqual([])
  expect(onUpdate({ resourceVersion: '' })).toEqual(['metadata.resourceVersion: Invalid value: "": must be specified for an update'])
  expect(onUpdate({ name: 'c', uid: 'x' })).toEqual([
    'metadata.name: Invalid value: "c": field is immutable',
    'metadata.uid: Invalid value: "x": field is immutable',
  ])
  expect(onUpdate({ generation: 1 }, { generation: 2 })).toEqual(['metadata.generation: Invalid value: 1: must not be decremented'])
  const going = { deletionTimestamp: '2024-05-01T10:00:00Z' }
  expect(onUpdate({ ...going, finalizers: ['a/b', 'a/a'] }, { ...going, finalizers: ['a/b'] })).toEqual([
    'metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{"a/a"}',
  ])
})

test('field managers and path segments', () => {
  expect(validateFieldManager('kubectl-edit é', 'm')).toEqual([])
  expect(validateFieldManager('é\n', 'm').map(errorText)).toEqual(['m: Invalid value: "é\\n": invalid character U+000A (at position 2)'])
  expect(nameIsPathSegment('a:b', false)).toEqual([])
  expect(nameIsPathSegment('a/%', false)).toEqual(["may not contain '/'", "may not contain '%'"])
  expect(nameIsPathSegment('..', false)).toEqual(["may not be '..'"])
})
