import type { Secret } from '@skiff/api'
import { expect, test } from 'vitest'
import type { ContainerSummary, ImageInfo } from '../runtimes/runtime.ts'
import { credentialsFor } from './credentials.ts'
import { bytesToFree, imagesToRemove } from './image-garbage.ts'
import { referenceFault, withDefaultTag } from './reference.ts'

test.each([
  ['busybox', undefined],
  ['registry.example.com:5000/a/b-c_d:v1.0', undefined],
  [`a@sha256:${'0'.repeat(64)}`, undefined],
  ['', 'invalid reference format'],
  ['a b', 'invalid reference format'],
  ['a::b', 'invalid reference format'],
  ['Foo', 'invalid reference format: repository name (library/Foo) must be lowercase'],
  ['0'.repeat(64), 'invalid repository name, cannot specify 64-byte hexadecimal strings'],
])('%j: %s', (image, fault) => {
  expect(referenceFault(image)).toBe(fault)
})

test('the default tag', () => {
  expect(['a', 'a:1', 'h:5/a', 'a@sha256:0'].map(withDefaultTag)).toEqual(['a:latest', 'a:1', 'h:5/a:latest', 'a@sha256:0'])
})

const secret = (auths: object): Secret =>
  ({
    type: 'kubernetes.io/dockerconfigjson',
    data: { '.dockerconfigjson': Buffer.from(JSON.stringify({ auths })).toString('base64') },
  }) as unknown as Secret

test('credentials: by host and path, the most specific first', () => {
  const auth = Buffer.from('me:pass:word').toString('base64')
  const secrets = [
    secret({ 'https://index.docker.io/v1/': { auth }, 'r.example.com': { username: 'all', password: 'x' } }),
    secret({ 'r.example.com/team': { username: 'team', password: 'y' }, '*.example.org': { username: 'star', password: 'z' } }),
    { type: 'kubernetes.io/dockerconfigjson', data: { '.dockerconfigjson': '!!!' } } as unknown as Secret,
  ]
  const users = (image: string) => credentialsFor(image, secrets).map(({ username, password }) => `${username}:${password}`)
  expect(users('busybox')).toEqual(['me:pass:word'])
  expect(users('r.example.com/team/app:1')).toEqual(['team:y', 'all:x'])
  expect(users('r.example.com/teamwork/app:1')).toEqual(['all:x'])
  expect(users('eu.example.org/app')).toEqual(['star:z'])
  expect(users('a.b.example.org/app')).toEqual([])
})

test('images are removed when the disk is nearly full: unused ones, the longest unused first', () => {
  expect(bytesToFree({ totalBytes: 1000, freeBytes: 100 })).toBe(0)
  expect(bytesToFree({ totalBytes: 1000, freeBytes: 10 })).toBe(90)
  const image = (id: string, more: Partial<ImageInfo> = {}): ImageInfo => ({
    id,
    tags: [`${id}:1`],
    digests: [],
    sizeBytes: 50,
    username: '',
    pinned: false,
    ...more,
  })
  const images = [image('new'), image('old'), image('older'), image('used'), image('pinned', { pinned: true }), image('young')]
  const containers = [{ image: 'used:1', imageRef: '' }] as unknown as ContainerSummary[]
  const known = new Map(
    Object.entries({ new: 30, old: 20, older: 10, used: 5, pinned: 1, young: 0 }).map(([id, usedMs]) => [
      id,
      { firstMs: id === 'young' ? 999_990 : 0, usedMs },
    ]),
  )
  expect(imagesToRemove(images, containers, known, 90, 1_000_000).map(({ id }) => id)).toEqual(['older', 'old'])
  expect(imagesToRemove(images, containers, known, 9_000, 1_000_000).map(({ id }) => id)).toEqual(['older', 'old', 'new'])
})
