/**
 * The program that holds a pod's namespaces open: it waits, collects the children that others left behind (with a shared process
 * namespace it is their init), and ends on SIGINT or SIGTERM. It is machine code of a few instructions, so that no compiler and no download is
 * needed. The three signals stay blocked: a blocked signal is queued even for an init, which would not get it otherwise.
 *
 *   rt_sigprocmask(SIG_BLOCK, {INT, TERM, CHLD})
 *   wait:  signal = rt_sigtimedwait({INT, TERM, CHLD}); if (signal < 0) goto wait; if (signal != CHLD) exit(0)
 *   reap:  if (wait4(-1, WNOHANG) > 0) goto reap; goto wait
 */
export const pauseBinary = (architecture: string): Buffer => {
  const program = programs[architecture]
  if (program === undefined) throw new Error(`no pause program for ${architecture}; it is known for ${Object.keys(programs).join(', ')}`)
  return elf(program.machine, Buffer.from(program.code.join('').replaceAll(' ', ''), 'hex'))
}

const x64 = [
  '31 ff', //                   xor edi, edi
  '48 8d 35 57 00 00 00', //    lea rsi, [mask]
  '31 d2', //                   xor edx, edx
  '41 ba 08 00 00 00', //       mov r10d, 8
  'b8 0e 00 00 00', //          mov eax, 14         rt_sigprocmask
  '0f 05', //                   syscall
  '48 8d 3d 41 00 00 00', // wait: lea rdi, [mask]
  '31 f6', //                   xor esi, esi
  '31 d2', //                   xor edx, edx
  '41 ba 08 00 00 00', //       mov r10d, 8
  'b8 80 00 00 00', //          mov eax, 128        rt_sigtimedwait
  '0f 05', //                   syscall
  '83 f8 11', //                cmp eax, 17         SIGCHLD
  '75 1a', //                   jne other
  '83 cf ff', //          reap: or edi, -1
  '31 f6', //                   xor esi, esi
  'ba 01 00 00 00', //          mov edx, 1          WNOHANG
  '45 31 d2', //                xor r10d, r10d
  'b8 3d 00 00 00', //          mov eax, 61         wait4
  '0f 05', //                   syscall
  '85 c0', //                   test eax, eax
  '7f e8', //                   jg reap
  'eb c9', //                   jmp wait
  '85 c0', //            other: test eax, eax
  '78 c5', //                   js wait
  '31 ff', //                   xor edi, edi
  'b8 3c 00 00 00', //          mov eax, 60         exit
  '0f 05', //                   syscall
  '0f 1f 40 00', //             nop
  '02 40 01 00 00 00 00 00', // mask: 1<<1 | 1<<14 | 1<<16
]

const arm64 = [
  '00 00 80 d2', //       mov x0, #0
  '61 03 00 10', //       adr x1, mask
  '02 00 80 d2', //       mov x2, #0
  '03 01 80 d2', //       mov x3, #8
  'e8 10 80 d2', //       mov x8, #135        rt_sigprocmask
  '01 00 00 d4', //       svc #0
  'c0 02 00 10', // wait: adr x0, mask
  '01 00 80 d2', //       mov x1, #0
  '02 00 80 d2', //       mov x2, #0
  '03 01 80 d2', //       mov x3, #8
  '28 11 80 d2', //       mov x8, #137        rt_sigtimedwait
  '01 00 00 d4', //       svc #0
  '1f 44 00 71', //       cmp w0, #17         SIGCHLD
  '41 01 00 54', //       b.ne other
  '00 00 80 12', // reap: mov w0, #-1
  '01 00 80 d2', //       mov x1, #0
  '22 00 80 d2', //       mov x2, #1          WNOHANG
  '03 00 80 d2', //       mov x3, #0
  '88 20 80 d2', //       mov x8, #260        wait4
  '01 00 00 d4', //       svc #0
  '1f 00 00 71', //       cmp w0, #0
  '2c ff ff 54', //       b.gt reap
  'f0 ff ff 17', //       b wait
  'e0 fd ff 37', // other: tbnz w0, #31, wait
  '00 00 80 d2', //       mov x0, #0
  'a8 0b 80 d2', //       mov x8, #93         exit
  '01 00 00 d4', //       svc #0
  '1f 20 03 d5', //       nop
  '02 40 01 00 00 00 00 00', // mask
]

/** By Go's name of the architecture; `machine` is ELF's number of it. */
const programs: Readonly<Record<string, { readonly machine: number; readonly code: readonly string[] }>> = {
  amd64: { machine: 62, code: x64 },
  arm64: { machine: 183, code: arm64 },
}

const loadAddress = 0x400000
const headerBytes = 64
const programHeaderBytes = 56

/** A static executable of one read-and-execute segment, which begins with its own headers; the stack is not executable. */
const elf = (machine: number, code: Buffer): Buffer => {
  const codeOffset = headerBytes + 2 * programHeaderBytes
  const sizeBytes = codeOffset + code.length
  const out = Buffer.alloc(sizeBytes)
  Buffer.from('\x7fELF\x02\x01\x01', 'latin1').copy(out)
  out.writeUInt16LE(2, 16) // ET_EXEC
  out.writeUInt16LE(machine, 18)
  out.writeUInt32LE(1, 20)
  out.writeBigUInt64LE(BigInt(loadAddress + codeOffset), 24)
  out.writeBigUInt64LE(BigInt(headerBytes), 32)
  out.writeUInt16LE(headerBytes, 52)
  out.writeUInt16LE(programHeaderBytes, 54)
  out.writeUInt16LE(2, 56)
  const segment = (at: number, type: number, flags: number, address: number, bytes: number, align: number) => {
    out.writeUInt32LE(type, at)
    out.writeUInt32LE(flags, at + 4)
    out.writeBigUInt64LE(BigInt(address), at + 16)
    out.writeBigUInt64LE(BigInt(address), at + 24)
    out.writeBigUInt64LE(BigInt(bytes), at + 32)
    out.writeBigUInt64LE(BigInt(bytes), at + 40)
    out.writeBigUInt64LE(BigInt(align), at + 48)
  }
  segment(headerBytes, 1, 5, loadAddress, sizeBytes, 0x10000) // PT_LOAD, R+X
  segment(headerBytes + programHeaderBytes, 0x6474e551, 6, 0, 0, 16) // PT_GNU_STACK, R+W
  code.copy(out, codeOffset)
  return out
}
