// SPDX-License-Identifier: Apache-2.0
import type { en } from '../en/account';
import type { SameMessages } from '../index.svelte';

export const zh = {
  'sign_in.title': '登录',
  'sign_in.lead': '请输入设置账户时所用的名称和密码。',
  'sign_in.name': '名称',
  'sign_in.password': '密码',
  'sign_in.enter': '登录',
  'sign_in.done': '您已登录：{name}。',
  'sign_in.forgotten': '忘记密码？',
  'sign_in.no_owner': '还没有账户',
  'sign_in.to_welcome': '如何设置账户',
  'sign_in.wait': { other: '尝试次数过多，请在 {n} 秒后再试。' },

  'password.show': '显示密码',
  'password.hide': '隐藏密码',

  'owner.title': '欢迎使用 Holdfast',
  'owner.lead':
    '在这里可以看到谁会回来、何时回来、为何不回来。设置名称和密码后，这台服务器及其数据就由您管理。',
  'owner.reset_title': '设置新密码',
  'owner.reset_lead': '通过此链接可以重新设置名称和密码，当前已登录者将被退出。',
  'owner.name_missing': '请输入名称。',
  'owner.password_hint': { other: '至少 {n} 个字符，任意字符均可。四五个连在一起的词既好记又难猜。' },
  'owner.password_short': { other: '密码太短，至少 {n} 个字符。' },
  'owner.password_name': '密码中请不要包含您的名称，别人会最先尝试它。',
  'owner.create': '设置我的账户',
  'owner.reset': '保存并登录',
  'owner.not_here': '只能在服务器所在的机器上设置账户，而当前浏览器在另一台机器上。请先建立隧道：',
  'owner.not_here_then': '然后在这里再次打开同一链接。',
  'owner.tunnel': '通往服务器的隧道',
  'owner.no_token': '设置账户需要服务器启动时显示的链接。链接只能使用一次，24 小时内有效。',
  'owner.no_token_reset': '账户已设置。请登录，或生成一个链接来设置新密码。',
  'owner.where': '请查看启动“holdfast serve”的地方，链接的开头如下：',
  'owner.another': '链接丢失或已过期？此命令会显示一个新链接：',
  'owner.forgotten': '在服务器所在的机器上，此命令会显示用于设置新密码的链接：',
  'owner.command': '命令行',

  'key.instead': '改用读取密钥',
  'key.label': '读取密钥',
  'key.hint': '可向这台服务器的管理者索取。密钥只留在本标签页，重新加载后即失效。',
  'key.use': '用此密钥读取',
  'key.wrong': '读取密钥以 hf_r_ 开头，后接 43 个字符。',
} as const;

void (zh satisfies SameMessages<typeof zh, typeof en>);
