// SPDX-License-Identifier: Apache-2.0
import type { en } from '../en/controls';
import type { SameMessages } from '../index.svelte';

export const zh = {
  'first.sign_in_text': '此操作会改变已存储的内容，请先登录。',
  'first.set_up_text': '此操作会改变已存储的内容，请先设置您的账户。',
  'apply': '应用',
  'more': '更多选项',
  'automatic': '自动',
  'unfinished': '未结束',
  'people': '人数',
  'code.copy': '复制：{what}',
  'code.copied': '已复制',
  'code.not_copied': '浏览器不允许复制，请选中文字自行复制。',

  'combobox.as_typed': '按输入',
  'combobox.clear': '移除 {what}',
  'combobox.options': '选项',
  'combobox.type': '输入名称后按回车',
  'combobox.none': '没有符合的选项',
  'combobox.more': '还有 {n} 个，请输入以缩小范围',
  'combobox.narrow': '还有更多，请输入以缩小范围',
  'table.more': '再显示 {n} 行',
  'table.shown': '共 {all} 行，已显示 {shown} 行',
  'timezone': '时区',
  'timezone.default': '工作区时区',
} as const;

void (zh satisfies SameMessages<typeof zh, typeof en>);
