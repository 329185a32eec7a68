import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { pauseBinary } from './pause-binary.ts'
import { isDebianLike, isStatic, packagesFor } from './system-packages.ts'

test('one package may bring several programs and is named once', () => {
  expect(packagesFor(['nft', 'ctr', 'containerd', 'CNI plugins'])).toEqual(['containerd', 'containernetworking-plugins', 'nftables'])
  expect(packagesFor([])).toEqual([])
})

test('Debian and its kin are told by os-release', () => {
  expect(isDebianLike('PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nID=debian\n')).toBe(true)
  expect(isDebianLike('ID=linuxmint\nID_LIKE="ubuntu debian"\n')).toBe(true)
  expect(isDebianLike('NAME="Not debian at all"\nID=fedora\n')).toBe(false)
  expect(isDebianLike('')).toBe(false)
})

test('a program without an interpreter is static', async () => {
  expect(isStatic(pauseBinary('amd64'))).toBe(true)
  expect(isStatic(await readFile(process.execPath))).toBe(false)
  expect(isStatic(Buffer.from('#!/bin/sh\necho a script is no static program, although it may run without libraries'))).toBe(false)
})
