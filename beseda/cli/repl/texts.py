"""What the terminal chat says, in both languages."""

from beseda.locales import Text

GREETING = Text(
    ru="Беседа с моделью {model}. /help покажет команды, /exit или Ctrl-D закончит.",
    en="Talking with {model}. /help shows the commands, /exit or Ctrl-D ends.",
)
SESSIONS = Text(ru="Последние беседы:", en="The last conversations:")
NEW_SESSION = Text(ru="новая беседа", en="a new conversation")
CHOOSE = Text(ru="Какую продолжить (0–{last})? ", en="Which one to go on with (0–{last})? ")
CHOOSE_AGAIN = Text(ru="Введите число от 0 до {last}.", en="Type a number from 0 to {last}.")
RESUMED = Text(ru="Продолжаем: {title}", en="Going on: {title}")
STARTED = Text(ru="Новая беседа.", en="A new conversation.")
UNTITLED = Text(ru="без названия", en="untitled")

WAITING = Text(ru="… (Ctrl-C остановит)", en="… (Ctrl-C stops)")
LOADING = Text(ru="… модель ещё загружается (Ctrl-C остановит)", en="… the model is loading (Ctrl-C stops)")
IN_LINE = Text(ru="… в очереди, впереди {ahead} (Ctrl-C остановит)", en="… in line, {ahead} ahead (Ctrl-C stops)")
STOPPED = Text(ru="[остановлено; сказанное сохранено]", en="[stopped; what was said is kept]")
STOPPED_EMPTY = Text(
    ru="[остановлено; вопрос не сохранён, /retry задаст его снова]",
    en="[stopped; the question is not kept, /retry asks it again]",
)
CUT = Text(ru="[ответ обрезан: предел длины]", en="[cut off: the limit of length]")
USAGE = Text(
    ru="{model}: запрос {prompt}, ответ {completion} ток., {cost}, {seconds:.1f} с · за беседу {total} ток., {sum}",
    en="{model}: {prompt} tokens in, {completion} out, {cost}, {seconds:.1f} s · conversation {total} tokens, {sum}",
)
NOT_KEPT = Text(
    ru="Вопрос не сохранён как заданный; /retry задаст его снова.",
    en="The question is not kept as asked; /retry asks it again.",
)
LEAVE_AGAIN = Text(
    ru="Ещё раз Ctrl-C, и выходим (беседа сохраняется).",
    en="Ctrl-C again leaves (the conversation is kept).",
)
BYE = Text(ru="До встречи!", en="See you!")
TOOLBAR = Text(
    ru=" {model} · {total} ток. · {sum} · Enter отправит, Alt-Enter новая строка, Ctrl-R поиск",
    en=" {model} · {total} tokens · {sum} · Enter sends, Alt-Enter new line, Ctrl-R search",
)

SUMMED = Text(
    ru="Начало беседы пересказано коротко, чтобы беречь контекст ({count} сообщ.); все сообщения остались в памяти.",
    en="The beginning is summed up to save context ({count} messages); every message stays in the memory.",
)
SUMMARY_FAILED = Text(
    ru="Краткий пересказ не удался: {reason}. Попробую после следующего ответа.",
    en="Summing up failed: {reason}. I will try again after the next answer.",
)
NOTHING_TO_SUM = Text(ru="Пересказывать пока нечего.", en="There is nothing to sum up yet.")
NEARLY_FULL = Text(
    ru="Контекст почти полон: около {used} из {size} ток. Помогут /compress или /clear.",
    en="The context is nearly full: about {used} of {size} tokens. /compress or /clear help.",
)
TOO_LONG = Text(
    ru="Это около {used} ток., а модель читает {size}. Ничего не отправлено: сократите вопрос, или /compress, /clear.",
    en="That is about {used} tokens, and the model reads {size}. Nothing was sent: shorten it, or /compress, /clear.",
)
CAP_REACHED = Text(
    ru="Потрачено {spent}, предел {cap}. Продолжить ещё на столько же? [y/N] ",
    en="{spent} spent, the cap is {cap}. Go on for as much again? [y/N] ",
)
CAP_KEPT = Text(ru="Не отправлено: достигнут лимит. /retry спросит снова.", en="Not sent: the cap. /retry asks again.")

SAVED = Text(ru="Сохранено: {path}", en="Saved: {path}")
SAVE_FAILED = Text(
    ru="Не удалось сохранить ({reason}). Беседа пока только здесь: /save попробует снова.",
    en="Saving failed ({reason}). The conversation is only here so far: /save tries again.",
)
LEAVE_UNSAVED = Text(
    ru="Ещё раз /exit выйдет без сохранения.",
    en="/exit again leaves without saving.",
)
SET_ASIDE = Text(
    ru="Файл памяти не прочитан ({reason}); он цел и лежит здесь: {path}",
    en="The memory file was not read ({reason}); it is safe, and now here: {path}",
)
FROM_BACKUP = Text(ru="Файл повреждён, взял резервную копию.", en="The backup beside it was used.")
CHANGED = Text(
    ru="Файл памяти изменила другая программа; её версия цела и лежит здесь: {path}",
    en="Another program has changed the memory file; its version is safe, and now here: {path}",
)
READ_ONLY = Text(ru="Только чтение: ничего не сохраняется.", en="Read-only: nothing is saved.")
MEMORY_BIG = Text(
    ru="Файл памяти уже {size} МБ; при {largest} МБ он перестанет читаться. /forget убирает беседы.",
    en="The memory file has {size} MB; at {largest} MB it is not read any more. /forget takes conversations out.",
)

CLEARED = Text(ru="Забыто: история и пересказ пусты.", en="Cleared: history and summary are empty.")
FORGOTTEN = Text(ru="Беседа удалена из памяти. Начата новая.", en="The conversation is deleted. A new one begins.")
EMPTY_HISTORY = Text(ru="Пока ничего не сказано.", en="Nothing has been said yet.")
SUMMARY_LINE = Text(ru="Пересказ: {text}", en="Summary: {text}")
LAST_USAGE = Text(
    ru="Последний ответ: запрос {prompt}, ответ {completion} ток., {cost}",
    en="Last answer: {prompt} tokens in, {completion} out, {cost}",
)
SESSION_USAGE = Text(
    ru="Эта беседа: запросы {prompt}, ответы {completion}, всего {total} ток., {cost}",
    en="This conversation: {prompt} tokens in, {completion} out, {total} in all, {cost}",
)
MEMORY_LINES = Text(
    ru="файл: {path}\nsession_id: {id}\nupdated_at: {updated}\nпересказ: {summary} симв.\nuser_turns: {turns}",
    en="file: {path}\nsession_id: {id}\nupdated_at: {updated}\nsummary: {summary} characters\nuser_turns: {turns}",
)
MODEL_NOW = Text(
    ru="Отвечает {model}. /model endpoint:model сменит.",
    en="{model} answers. /model endpoint:model changes it.",
)
MODEL_SET = Text(ru="Теперь отвечает {model}.", en="From now on {model} answers.")
SYSTEM_NOW = Text(ru="Указания модели: {text}", en="Instructions: {text}")
SYSTEM_NONE = Text(
    ru="Указаний нет. /system текст задаст, /system - уберёт.",
    en="There are none. /system text sets them, /system - takes them back.",
)
NOTHING_TO_LOAD = Text(ru="Сохранённых бесед пока нет.", en="There are no saved conversations yet.")
NOTHING_TO_RETRY = Text(ru="Повторять пока нечего.", en="There is nothing to ask again.")
NOTHING_TO_COPY = Text(ru="Копировать пока нечего.", en="There is nothing to copy yet.")
COPIED = Text(ru="Ответ в буфере обмена.", en="The answer is on the clipboard.")
COPY_ASKED = Text(
    ru="Ответ передан терминалу для буфера обмена (работает не во всех терминалах).",
    en="The answer was handed to the terminal for the clipboard (not every terminal takes it).",
)
COMPARE_USAGE = Text(
    ru="/compare модель,модель [вопрос]; без вопроса берётся последний.",
    en="/compare model,model [question]; without a question the last one is asked.",
)
NO_COMMAND = Text(ru="Нет команды {name}. /help покажет все.", en="There is no command {name}. /help shows all.")
DID_YOU_MEAN = Text(
    ru="Нет команды {name}; может быть, {near}?",
    en="There is no command {name}; did you mean {near}?",
)

HELP_EXIT = Text(ru="выйти, всё сохранив", en="leave, everything saved")
HELP_STATS = Text(ru="токены и цена ответа и беседы", en="tokens and cost of the answer and the conversation")
HELP_CLEAR = Text(ru="забыть сказанное в этой беседе", en="forget what was said in this conversation")
HELP_HISTORY = Text(ru="что модель сейчас помнит", en="what the model remembers now")
HELP_SAVE = Text(ru="сохранить сейчас", en="save now")
HELP_MEMORY = Text(ru="где и что сохранено", en="where and what is saved")
HELP_FORGET = Text(ru="удалить эту беседу и начать новую", en="delete this conversation and begin a new one")
HELP_LOAD = Text(ru="перечитать файл и выбрать беседу", en="read the file again and choose a conversation")
HELP_COMPRESS = Text(ru="пересказать начало коротко", en="sum up the beginning")
HELP_MODEL = Text(ru="кто отвечает; сменить модель", en="who answers; change the model")
HELP_COMPARE = Text(ru="спросить несколько моделей рядом", en="ask several models side by side")
HELP_RETRY = Text(ru="спросить ещё раз", en="ask again")
HELP_COPY = Text(ru="последний ответ в буфер обмена", en="the last answer to the clipboard")
HELP_SYSTEM = Text(ru="указания для модели", en="instructions for the model")
HELP_HELP = Text(ru="эта подсказка", en="this help")
HELP_KEYS = Text(
    ru='Несколько строк: Alt-Enter, \\ в конце строки или блок в """. Ctrl-C останавливает ответ.',
    en='Several lines: Alt-Enter, \\ at the end of a line, or a block in """. Ctrl-C stops an answer.',
)
