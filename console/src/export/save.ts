// SPDX-License-Identifier: Apache-2.0
//
// An answer as a file. Whoever saves one loads this.
import type { Answer, Json } from '../api/contract';
import type { Members } from '../api/types';
import { answerCsv, membersCsv } from './answer_csv';
import { csvBlob } from './csv';
import { download, fileName, pngBlob, svgBlob } from './download';
import { colour } from './svg';

export function saveCsv(name: string[], answer: Answer, query: Record<string, Json>): void {
  download(`${fileName(...name)}.csv`, csvBlob(answerCsv(answer, query)));
}

export function saveMembers(name: string, members: Members['members']): void {
  download(`${name}.csv`, csvBlob(membersCsv(members)));
}

export async function savePicture(name: string[], kind: 'png' | 'svg', svg: string): Promise<void> {
  const picture = kind === 'svg' ? svgBlob(svg) : await pngBlob(svg, colour('--surface'));
  download(`${fileName(...name)}.${kind}`, picture);
}
