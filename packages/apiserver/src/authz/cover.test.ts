import { expect, test } from 'vitest'
import { everything, grantComplaint } from './cover.ts'

const identity = { name: 'u', groups: ['a', 'b'] }
const pods = (verbs: string[], more: object = {}) => ({ verbs, apiGroups: [''], resources: ['pods'], ...more })

test('rights that are held may be granted', () => {
  expect(grantComplaint(identity, everything, [pods(['get', 'list']), { verbs: ['get'], nonResourceURLs: ['/x'] }])).toBeUndefined()
  expect(grantComplaint(identity, [pods(['get']), pods(['list'])], [pods(['get', 'list'])])).toBeUndefined()
  expect(grantComplaint(identity, [pods(['get'])], [pods(['get'], { resourceNames: ['a'] })])).toBeUndefined()
})

test('missing rights are told by resource, their verbs together', () => {
  expect(grantComplaint(identity, [pods(['get'])], [pods(['get', 'list', 'watch']), { verbs: ['get'], nonResourceURLs: ['/x'] }])).toBe(
    'user "u" (groups=["a" "b"]) is attempting to grant RBAC permissions not currently held:\n' +
      '{APIGroups:[""], Resources:["pods"], Verbs:["list" "watch"]}\n{NonResourceURLs:["/x"], Verbs:["get"]}',
  )
  expect(grantComplaint(identity, [pods(['get'], { resourceNames: ['a'] })], [pods(['get'])])).toBeDefined()
})
