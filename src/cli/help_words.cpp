// SPDX-License-Identifier: Apache-2.0
#include "cli/help_words.h"

#include <unordered_map>

namespace hf {
namespace {

struct HelpText {
  std::string_view english;
  std::string_view chinese;
};

constexpr HelpText help_texts[] = {
    {"Start", "开始使用"},
    {"Collect events", "采集事件"},
    {"Measure", "分析"},
    {"People", "人员"},
    {"Keep it running", "日常运维"},
    {"Learn", "学习"},
    {"Holdfast keeps customers: it measures who stays, from your events, exactly",
     "Holdfast 帮您留住客户：依据事件精确衡量谁留了下来"},
    {"Data directory", "数据目录"},
    {"Language of what is shown (default: by LANG)", "显示语言（默认：取自 LANG）"},
    {"Colours", "颜色"},
    {"MiB that questions may keep of decoded data", "查询可缓存的已解码数据，单位 MiB"},
    {"Print this help and exit", "显示本帮助并退出"},
    {"Print the version and exit", "显示版本并退出"},
    {"a first look, at a real shop", "用一家真实商店的数据先看一看"},
    {"your own data", "您自己的数据"},
    {"who comes back", "谁会回来"},
    {"take events over HTTP, answer questions", "通过 HTTP 接收事件并回答查询"},
    {"Import a real shop's year of orders, show how it keeps its customers, and serve it to the "
     "browser until Ctrl-C",
     "导入一家真实商店一年的订单，展示它如何留住客户，并在浏览器中查看，直到按下 Ctrl-C"},
    {"Show it and end", "展示后即结束"},
    {"MiB that a file sent to be imported may have", "上传导入的文件大小上限，单位 MiB"},
    {"Seconds that answering a question may take", "回答一次查询最多可用的时间，单位秒"},
    {"MiB that a question may need at a time", "一次查询同时可用的内存上限，单位 MiB"},
    {"Seconds that the answer may take (default: no limit)",
     "得出答案最多可用的时间，单位秒（默认：不限）"},
    {"Who signs in to the console, and the link for another password",
     "谁登录控制台，以及重设密码的链接"},
    {"Print a new link, good once, with which the owner sets a name and a password: the first "
     "time, or because the password was forgotten. All sessions end when it is used",
     "打印一个新的一次性链接，供所有者设置名称和密码：首次使用，或忘记密码时。使用后，所有会话都会"
     "结束"},
    {"Name, when it was made, when last signed in", "名称、创建时间、上次登录时间"},
    {"Directory of the example", "示例所在目录"},
    {"Take events over HTTP from the SDKs people already use (Segment's and RudderStack's), and "
     "answer questions. An event is durable before it is acknowledged",
     "通过 HTTP 接收常用 SDK（Segment 与 RudderStack）发来的事件，并回答查询。事件落盘后才会确认"},
    {"Address and port", "地址与端口"},
    {"Certificate chain (PEM)", "证书链（PEM）"},
    {"Its private key (PEM)", "证书的私钥（PEM）"},
    {"Connections at a time", "同时连接数"},
    {"Connections at a time from one address", "单个地址的同时连接数"},
    {"More are answered 429 (default: no limit)",
     "每个密钥每秒的事件数，超出则返回 429（默认：不限）"},
    {"Questions from this machine need a key or a session from the start (behind a proxy)",
     "来自本机的查询从一开始也需要密钥或登录（用于反向代理之后）"},
    {"File to append a line of JSON to for each request; nothing personal",
     "访问日志文件，每个请求追加一行 JSON；不含个人数据"},
    {"Threads that read requests (default: one for each processor, at most 8)",
     "读取请求的线程数（默认：每个处理器一个，最多 8 个）"},
    {"Import events from CSV, TSV, JSON lines or Parquet (plain, gzip, zstd)",
     "从 CSV、TSV、JSON 行或 Parquet 导入事件（可用 gzip 或 zstd 压缩）"},
    {"Files to import, as one import", "要导入的文件，合为一次导入"},
    {"ROLE=COLUMN, comma-separated; roles: person, anonymous_id, event, time, received_at, "
     "message_id, channel, ignore; event==NAME and channel==NAME for every row; any other name "
     "renames a property",
     "角色=列，以逗号分隔；角色有 person、anonymous_id、event、time、received_at、message_id、ch"
     "annel、ignore；event==名称 与 channel==名称 用于每一行；其他名称则重命名属性"},
    {"What a column holds: COLUMN=text, number or boolean", "列的类型：列=text、number 或 boolean"},
    {"iso, compact, epoch_s, epoch_ms, epoch_us, or a pattern like \"%d/%m/%Y %H:%M\"",
     "时间格式：iso、compact、epoch_s、epoch_ms、epoch_us，或形如 \"%d/%m/%Y %H:%M\" 的模式"},
    {"Time zone of times without an offset (IANA name; default: UTC); the first import also "
     "settles the workspace's zone with it",
     "不带偏移量的时间所用时区（IANA 名称，默认 UTC）；首次导入同时据此确定工作区的时区"},
    {"Import the rows of a SELECT over the table `input`; @FILE reads it from a file. Columns "
     "person, event, time, received_at, message_id, channel go by name, all others are "
     "properties",
     "导入对表 `input` 执行 SELECT 所得的行；@文件 表示从文件读取语句。列 "
     "person、event、time、received_at、message_id、channel 按名称识别，其余均为属性"},
    {"Form of the files (default: recognised)", "文件格式（默认：自动识别）"},
    {"Field delimiter (default: recognised)", "字段分隔符（默认：自动识别）"},
    {"The first row is data; columns are column1, column2, ..",
     "首行就是数据；列名为 column1、column2 ……"},
    {"Source the message ids are unique within", "消息 ID 在哪个来源内唯一"},
    {"Know rows without message id by their content, so that overlapping files add no row twice",
     "没有消息 ID 的行按内容识别，文件有重叠也不会重复添加"},
    {"Refuse the whole import at the first bad row", "遇到第一个坏行即拒绝整次导入"},
    {"Show how the columns are understood, and stop", "显示对各列的理解，然后停止"},
    {"For tests: write a part after so many rows (default: by memory)",
     "供测试用：每满多少行写一个分片（默认：按内存）"},
    {"whole Segment calls, or one object a line", "完整的 Segment 调用，或每行一个对象"},
    {"what was imported", "导入过什么"},
    {"take import 3 away again", "撤销第 3 次导入"},
    {"List the imports", "列出历次导入"},
    {"Take the events of an import away again", "撤销一次导入的事件"},
    {"Its number in `holdfast import list`", "`holdfast import list` 中的编号"},
    {"Append events from standard input, JSON lines; each line is answered once it is durable, "
     "with \"<line> appended\", \"<line> duplicate\" or \"<line> rejected <reason>\"",
     "从标准输入追加事件（JSON 行）；每行落盘后即得到回应：\"<行号> appended\"、\"<行号> "
     "duplicate\" 或 \"<行号> rejected <原因>\""},
    {"whole Segment calls, too", "也可以是完整的 Segment 调用"},
    {"Where events come from: an app, a shop", "事件的来源：应用、商店"},
    {"Add a source", "添加来源"},
    {"Refuse its keys from now on", "从现在起拒绝其密钥"},
    {"Take its keys again", "重新接受其密钥"},
    {"All sources", "所有来源"},
    {"1 to 64 of a-z, 0-9, _ and -", "1 至 64 个字符：a-z、0-9、_ 和 -"},
    {"Form of the list", "列表的格式"},
    {"for programs: as GET /api/v1/sources", "供程序使用：同 GET /api/v1/sources"},
    {"Who may send events and who may ask", "谁可以发送事件，谁可以查询"},
    {"Make a key; it is printed last, alone on its line", "创建密钥；密钥最后打印，独占一行"},
    {"What it may do", "密钥的权限"},
    {"Of a write key: whose events it sends", "写入密钥：发送哪个来源的事件"},
    {"For people: who has it", "备注：由谁持有"},
    {"Refused from then on (RFC 3339)", "到期时刻，此后拒绝（RFC 3339）"},
    {"All keys, without themselves", "所有密钥（不含密钥本身）"},
    {"for programs", "供程序使用"},
    {"for programs: as GET /api/v1/keys", "供程序使用：同 GET /api/v1/keys"},
    {"Refuse a key from now on, for good", "从现在起永久拒绝某个密钥"},
    {"Its number in `holdfast key list`", "`holdfast key list` 中的编号"},
    {"Answer one question, JSON in, JSON out (docs/metrics.md)",
     "回答一个查询，输入 JSON，输出 JSON（docs/metrics.md）"},
    {"File with the query, - for standard input", "查询所在文件，- 表示标准输入"},
    {"Form of the answer (default: json)", "结果的格式（默认：json）"},
    {"Form of the answer", "结果的格式"},
    {"Show how the question was answered; with --format json, the answer with its plan",
     "显示查询是如何得出的；加 --format json 则输出结果及其计划"},
    {"List the metrics", "列出所有指标"},
    {"Who comes back: cohorts as a heatmap", "谁会回来：以热力图展示各同期群"},
    {"Event that puts a person into a cohort (default: any); a matcher as JSON works too",
     "使人进入同期群的事件（默认：任意）；也可为 JSON 匹配器"},
    {"Event that counts as coming back (default: any)", "算作回来的事件（默认：任意）"},
    {"Which start events put a person into a cohort (default: every_period)",
     "哪些起始事件使人进入同期群（默认：every_period）"},
    {"Columns after the first", "首列之后的列数"},
    {"Sizes of the columns in periods, e.g. 4,10,3", "各列包含的周期数，如 4,10,3"},
    {"Periods of the calendar, or rolling from each person's own start (default: calendar)",
     "按日历周期，或从每个人自己的起点滚动（默认：calendar）"},
    {"Whether a column counts who came back in it, or then or later (default: exactly)",
     "一列计入恰在该期回来的人，还是该期或之后回来的人（默认：exactly）"},
    {"Return events needed in a column", "一列中所需的返回事件数"},
    {"What a cell shows: users, count, sum:PROPERTY or avg:PROPERTY",
     "单元格显示什么：users、count、sum:属性 或 avg:属性"},
    {"Two windows instead of columns: who was active in this one ..",
     "以两个时间窗代替各列：在此窗内活跃……"},
    {".. and again in this one", "……并在此窗内再次活跃的人"},
    {"First date (2026-01-31) or instant (RFC 3339)", "首日（2026-01-31）或时刻（RFC 3339）"},
    {"Last date, inclusive, or instant, exclusive", "末日（含），或时刻（不含）"},
    {"Whole days up to yesterday, e.g. P90D, instead of --from and --to",
     "截至昨天的整日数，如 P90D，代替 --from 与 --to"},
    {"The instant regarded as now (default: now, or the end of the data where that is earlier)",
     "视为“现在”的时刻（默认：现在；若数据更早结束，则为数据末尾）"},
    {"IANA name (default: the workspace's)", "时区，IANA 名称（默认：工作区的时区）"},
    {"First day of a week (default: the workspace's)", "一周的第一天（默认：工作区的设置）"},
    {"Predicate on every event, as JSON", "对每个事件的条件，JSON 格式"},
    {"Split by an event property", "按事件属性拆分"},
    {"Values of the breakdown to show (default: 25)", "显示拆分中的多少个取值（默认：25）"},
    {"hour, day, week, month, quarter, year or a duration (P14D) (default: day)",
     "hour、day、week、month、quarter、year 或时长（P14D）（默认：day）"},
    {"Print the query as JSON instead of answering it", "以 JSON 打印查询，而不执行"},
    {"How often things happen, or how many people do them", "事情发生了多少次，或有多少人做过"},
    {"Event, with :total (default) or :unique; or a matcher as JSON",
     "事件，可加 :total（默认）或 :unique；或 JSON 匹配器"},
    {"Count the range up to each period", "累计至每个周期"},
    {"Who is new, stays, comes back and goes, period by period",
     "逐期展示谁新来、留下、回来、离开"},
    {"Event that makes a person active (default: any); a matcher as JSON works too",
     "使人算作活跃的事件（默认：任意）；也可为 JSON 匹配器"},
    {"In how many periods people are active; DAU, WAU and MAU over time",
     "人们在多少个周期里活跃；DAU、WAU、MAU 的走势"},
    {"Day by day: people of the day, its week and its month", "逐日：当日、当周、当月的活跃人数"},
    {"Count k periods or more", "统计活跃 k 个周期及以上的人数"},
    {"Events that make a period an active one (default: 1)",
     "一个周期算作活跃所需的事件数（默认：1）"},
    {"Ad-hoc SQL over the events (table `events`, read-only)",
     "对事件执行即席 SQL（表 `events`，只读）"},
    {"One SELECT", "一条 SELECT 语句"},
    {"Most rows of the answer, 0 for no limit", "结果的最大行数，0 表示不限"},
    {"Time limit in seconds", "时限，单位秒"},
    {"Memory limit in MiB", "内存上限，单位 MiB"},
    {"Write all events to a Parquet or CSV file", "将所有事件写入 Parquet 或 CSV 文件"},
    {"File to write", "要写入的文件"},
    {"Form of the file (default: by its name)", "文件格式（默认：由文件名决定）"},
    {"Who is who, and who is to be forgotten. An id is ann, user:ann or anonymous:x1",
     "谁是谁，以及该遗忘谁。ID 形如 ann、user:ann 或 anonymous:x1"},
    {"ids, events, traits with their history", "ID、事件、特征及其历史"},
    {"all ids of one person", "同一个人的所有 ID"},
    {"they are one person", "二者是同一个人"},
    {"forget the person, with all ids", "遗忘此人及其所有 ID"},
    {"Of the person: ann, user:ann or anonymous:x1", "此人的 ID：ann、user:ann 或 anonymous:x1"},
    {"The other id", "另一个 ID"},
    {"Show what is known of a person", "显示关于某人的已知信息"},
    {"Show all ids that are one person", "显示属于同一个人的所有 ID"},
    {"Say that two ids are one person", "声明两个 ID 是同一个人"},
    {"Take back whatever says that two ids are one person", "撤回两个 ID 是同一个人的一切依据"},
    {"Forget a person: no question sees an event of it again",
     "遗忘某人：任何查询都不再看到其事件"},
    {"Also take its events out of the files before ending", "结束前还将其事件从文件中移除"},
    {"off the disk, too, before it ends", "结束前也从磁盘上移除"},
    {"Remove old events; who did what first stays known, so that nobody becomes new again",
     "移除旧事件；谁最早做过什么仍会保留，因此不会有人重新变成新人"},
    {"A date of the workspace's zone, or an instant of RFC 3339",
     "工作区时区的日期，或 RFC 3339 时刻"},
    {"Only events of this name (default: all that is activity)",
     "仅此名称的事件（默认：所有算作活跃的事件）"},
    {"Merge all parts, each person's events side by side", "合并所有分片，使每个人的事件相邻"},
    {"Show or change what holds for the whole workspace", "查看或更改整个工作区的设置"},
    {"Whose days and months are counted (IANA name)", "按哪个时区的日和月计算（IANA 名称）"},
    {"Of money that names none (ISO 4217)", "未注明币种的金额所用货币（ISO 4217）"},
    {"First day of a week", "一周的第一天"},
    {"How long: P24M, P90D, .. or forever. append then purges what is older, as purge does; who "
     "did what first stays known",
     "保留多久：P24M、P90D 等，或 forever。此后 append 会像 purge "
     "一样清除更早的事件；谁最早做过什么仍会保留"},
    {"older activity is purged day by day", "逐日清除更早的活动"},
    {"Read everything and check every checksum; ends with 5 where there is damage",
     "读取全部内容并核对每个校验和；有损坏则以 5 退出"},
    {"Copy the data directory, also while it is written to: all that was acknowledged before",
     "复制数据目录，写入期间也可进行：包含此前已确认的一切"},
    {"Directory to make; must be absent or empty", "要创建的目录；须不存在或为空"},
    {"Form of the report", "报告的格式"},
    {"Make a data directory of a backup, checking every byte of it",
     "由备份恢复数据目录，并核对每个字节"},
    {"Directory that `holdfast backup` made; --data must be absent or empty",
     "`holdfast backup` 所创建的目录；--data 须不存在或为空"},
    {"Say what is wrong with the data directory and what to do; changes nothing, and works "
     "beside a running append. Ends with 0 where all is well, 1 with warnings, 5 where "
     "something is broken",
     "说明数据目录有何问题以及如何处理；不做任何改动，可与运行中的 append 并行。一切正常以 0 "
     "退出，有警告为 1，有损坏为 5"},
    {"Also read every file whole, where nobody is writing; like every start, this removes what "
     "a crash left",
     "在无人写入时还完整读取每个文件；与每次启动一样，会清除崩溃遗留的内容"},
    {"for programs: stable reasons with their values", "供程序使用：稳定的原因代码及其数值"},
    {"also read everything, as verify does", "像 verify 一样读取全部内容"},
    {"Print a script with which a shell completes commands, options and values",
     "打印补全脚本，供 shell 补全命令、选项和取值"},
    {"The shell", "所用的 shell"},
    {"for this shell; in ~/.bashrc for all", "用于当前 shell；写入 ~/.bashrc 则始终有效"},
    {"Print the manual page, holdfast(1), as roff", "打印 roff 格式的手册页 holdfast(1)"},
    {"read it here", "在此阅读"},
    // Saved queries.
    {"Name of a saved query, instead of FILE", "已保存查询的名称，代替 FILE"},
    {"Common fields, as JSON, that replace the query's own; null takes one away",
     "以 JSON 给出的通用字段，替换查询中的同名字段；null 表示去掉该字段"},
    {"Questions saved under a name, and the ready-made ones", "以名称保存的查询，以及内置查询"},
    {"All saved queries, and the ready-made ones", "所有已保存的查询，以及内置查询"},
    {"whole, for `saved load`", "完整内容，供 `saved load` 使用"},
    {"Print a saved query as JSON", "以 JSON 打印已保存的查询"},
    {"Save a query under a name, or replace the one there; it is checked, and replaced whole",
     "以名称保存查询，或替换已有的查询；保存时会检查，并整体替换"},
    {"For people; at most 200 bytes (default: the name)",
     "供人阅读的标题，最多 200 字节（默认：名称）"},
    {"What it is for; at most 2,000 bytes", "用途说明，最多 2,000 字节"},
    {"Remove a saved query", "移除已保存的查询"},
    {"Save all queries of a file that `saved list --format json` printed, here or elsewhere; "
     "others "
     "stay",
     "保存文件中的所有查询，文件由此处或别处的 `saved list --format json` 打印；其余查询保持不变"},
    {"File with the list, - for standard input", "含列表的文件，- 表示标准输入"},
};

}  // namespace

std::string_view help_text(std::string_view english, Words words) {
  if (words.language == Language::english) return english;
  static const auto chinese = [] {
    std::unordered_map<std::string_view, std::string_view> by_english;
    for (const HelpText& text : help_texts) by_english.emplace(text.english, text.chinese);
    return by_english;
  }();
  const auto found = chinese.find(english);
  return found == chinese.end() ? english : found->second;
}

std::vector<std::string_view> known_help_texts() {
  std::vector<std::string_view> texts;
  for (const HelpText& text : help_texts) texts.push_back(text.english);
  return texts;
}

}  // namespace hf
