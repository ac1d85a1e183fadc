"""Texts of the demo. `{echo}` is a bit of what the person wrote; names of keys and servers come from the table."""

from beseda.locales import Text

PLAIN = Text(
    ru=(
        "Привет! Скажу сразу и честно: **я не нейросеть, а демо-режим**. Настоящей модели сейчас нет, "
        "поэтому думать я не умею, зато показываю, как всё устроено.\n\n"
        "Вы написали:\n\n> {echo}\n\n"
        "Чтобы вместо меня отвечала модель, выберите любой путь:\n\n"
        "- в песочнице: кнопка «Подключить модель» над чатом;\n"
        "{way}\n"
        "- или запустите на этой же машине сервер модели ({servers}): я найду его сам.\n\n"
        "А пока можно написать мне: *формат*, *кнопки* или *длинно*. ||Спойлеры я тоже умею.||"
    ),
    en=(
        "Hi! Let me be honest right away: **I am not a model, I am the demo mode**. There is no real model "
        "connected yet, so I cannot think, but I can show you how everything works.\n\n"
        "You wrote:\n\n> {echo}\n\n"
        "To have a model answer instead of me, take any of these ways:\n\n"
        "- in the sandbox: the button “Connect a model” above the chat;\n"
        "{way}\n"
        "- or start a model server on this machine ({servers}): I will find it by myself.\n\n"
        "Until then you can write to me: *format*, *buttons* or *long*. ||I can do spoilers, too.||"
    ),
)

# How the endpoint of this bot is set up, and its name in a line.
WITH_KEY = Text(
    ru="- или впишите ключ {title} в файл `.env` (`{key}=ваш-ключ`) и перезапустите бота; ключ дают здесь: {page}",
    en="- or put a key of {title} into the file `.env` (`{key}=your-key`) and restart the bot; keys are here: {page}",
)
WITH_SERVER = Text(
    ru="- или впишите адрес сервера {title} в файл `.env` (`{address}={example}`) и перезапустите бота;",
    en="- or put the address of a {title} server into the file `.env` (`{address}={example}`) and restart the bot;",
)
KEY_NAME = Text(ru="ключ `{key}`", en="the key `{key}`")
SERVER_NAME = Text(ru="адрес `{address}`", en="the address `{address}`")

AGAIN = Text(
    ru="_Это снова демо: модель не подключена._ Нужен {needed}; в песочнице хватит кнопки «Подключить модель».",
    en=(
        "_This is the demo again: no model is connected._ It takes {needed}; "
        "in the sandbox the button “Connect a model” is enough."
    ),
)

# In the place of a model that is told what its next sentence has to bring.
CUED = Text(
    ru="{said}\n\n_Отвечаю по шаблону: модель не подключена, это демо-режим._",
    en="{said}\n\n_I answer by a template: no model is connected, this is the demo mode._",
)

FORMAT = Text(
    ru=(
        "## Всё оформление сразу\n\n"
        "Я демо-режим, не модель, но показать могу всё: **жирный**, *курсив*, ~~зачёркнутый~~, `код в строке`, "
        "[ссылка](https://core.telegram.org/bots/api) и ||спойлер: нажмите||.\n\n"
        "> Цитата стоит отдельно\n> и может занимать две строки.\n\n"
        "Список:\n\n- первый пункт\n- второй, с **жирным**\n  - вложенный\n\n"
        "1. раз\n2. два\n3. три\n\n"
        '```python\ndef greet(name: str) -> str:\n    return f"Привет, {{name}}!"\n```\n\n'
        "| что | как |\n| --- | --- |\n| таблица | ровные столбцы |\n| числа | 1 < 2 и 3 > 2 |\n\n"
        "---\n\nИ эмодзи в конце: 🙂"
    ),
    en=(
        "## All the formatting at once\n\n"
        "I am the demo mode, not a model, but I can show it all: **bold**, *italic*, ~~struck out~~, `inline code`, "
        "a [link](https://core.telegram.org/bots/api) and a ||spoiler: tap it||.\n\n"
        "> A quote stands apart\n> and may take two lines.\n\n"
        "A list:\n\n- the first item\n- the second, with **bold**\n  - a nested one\n\n"
        "1. one\n2. two\n3. three\n\n"
        '```python\ndef greet(name: str) -> str:\n    return f"Hello, {{name}}!"\n```\n\n'
        "| what | how |\n| --- | --- |\n| a table | even columns |\n| numbers | 1 < 2 and 3 > 2 |\n\n"
        "---\n\nAnd an emoji to finish: 🙂"
    ),
)

BUTTONS = Text(
    ru=(
        "Кнопки я показываю там, где они нужны:\n\n"
        "- **пока ответ печатается**, его можно остановить; сказанное останется;\n"
        "- **если что-то сорвалось**, под сообщением появится кнопка «ещё раз»;\n"
        "- **меню** с режимами и командами открывается по `/start` и `/help`.\n\n"
        "Я демо-режим, не модель, но кнопки настоящие: нажимайте смело."
    ),
    en=(
        "I show buttons where they are of use:\n\n"
        "- **while an answer is being typed** you can stop it; what was said stays;\n"
        "- **when something went wrong**, a button to try again appears under the message;\n"
        "- **the menu** with modes and commands opens with `/start` and `/help`.\n\n"
        "I am the demo mode, not a model, but the buttons are real: go ahead and press them."
    ),
)

LONG_OPENING = Text(
    ru=(
        "Хорошо, отвечу длинно. Я демо-режим, не модель, поэтому смысла тут немного: зато видно, как длинный ответ "
        "делится на несколько сообщений и ни одно слово не теряется.\n\n"
    ),
    en=(
        "All right, a long answer. I am the demo mode, not a model, so there is little meaning in it: but you can see "
        "how a long answer is split over several messages without losing a word.\n\n"
    ),
)

LONG_PARAGRAPH = Text(
    ru=(
        "**Абзац {number}.** Telegram принимает не больше 4096 знаков в одном сообщении. Я режу текст на границах "
        "абзацев, а если не выходит, то предложений, и слежу, чтобы *оформление* не порвалось на стыке.\n\n"
    ),
    en=(
        "**Paragraph {number}.** Telegram takes at most 4096 characters in one message. I cut the text between "
        "paragraphs, or between sentences when that fails, and see to it that *formatting* holds at the seam.\n\n"
    ),
)
