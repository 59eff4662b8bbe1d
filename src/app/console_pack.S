/* SPDX-License-Identifier: Apache-2.0 */
/* The web console's files (console/scripts/pack.mjs), byte for byte. */
    .section .rodata
    .global hf_console_pack
    .global hf_console_pack_end
    .balign 16
hf_console_pack:
    .incbin HOLDFAST_CONSOLE_PACK
hf_console_pack_end:
    .byte 0
    .section .note.GNU-stack,"",%progbits
