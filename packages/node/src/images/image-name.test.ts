import { expect, test } from 'vitest'
import { familiarImageName, normaliseImageName, parseImageName } from './image-name.ts'

const digest = `sha256:${'a'.repeat(64)}`

test.each([
  ['busybox', 'docker.io/library/busybox:latest'],
  ['busybox:1', 'docker.io/library/busybox:1'],
  ['user/app', 'docker.io/user/app:latest'],
  ['docker.io/nginx', 'docker.io/library/nginx:latest'],
  ['index.docker.io/library/nginx:1', 'docker.io/library/nginx:1'],
  ['localhost/app', 'localhost/app:latest'],
  ['127.0.0.1:5000/app:v1', '127.0.0.1:5000/app:v1'],
  ['host:5000/app', 'host:5000/app:latest'],
  ['[fd00::1]:5000/a/b', '[fd00::1]:5000/a/b:latest'],
  ['Registry/app', 'Registry/app:latest'],
  [`app@${digest}`, `docker.io/library/app@${digest}`],
  [`quay.io/a/b:1@${digest}`, `quay.io/a/b:1@${digest}`],
  ['a__b-c--d/e.f', 'docker.io/a__b-c--d/e.f:latest'],
])('%s is %s', (short, full) => {
  expect(normaliseImageName(short)).toBe(full)
  expect(normaliseImageName(full)).toBe(full)
})

test.each([
  '',
  'UPPER',
  'a//b',
  '/a',
  'a/',
  'a:',
  'a:b:c',
  'a b',
  'app@sha256:short',
  '-a',
  'a..b',
  'a:.tag',
  `${'b'.repeat(64)}`,
  'http://x/a',
])('%j is refused', (text) => {
  expect(() => parseImageName(text)).toThrow('invalid image name')
})

test('a long name of the worst kind is read in linear time', () => {
  expect(() => parseImageName(`${'a-'.repeat(100)}/x`)).toThrow()
  expect(() => parseImageName(`${'a.'.repeat(50_000)}!`)).toThrow()
})

test('the familiar name leaves the default registry out', () => {
  expect(familiarImageName('docker.io/library/busybox:1')).toBe('busybox:1')
  expect(familiarImageName('user/app')).toBe('user/app:latest')
  expect(familiarImageName('quay.io/library/app')).toBe('quay.io/library/app:latest')
})
