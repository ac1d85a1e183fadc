"""What a sales bot says in words of its own: consent, contacts, appointments, and what the owner hears."""

from beseda.locales import Text

# Consent and contacts.
ALLOW = Text(ru="✅ Да, сохраните", en="✅ Yes, keep it")
FORBID = Text(ru="🚫 Нет, не надо", en="🚫 No, do not")
REVOKE = Text(ru="🚫 Отозвать согласие", en="🚫 Take my consent back")
KEPT = Text(
    ru="Спасибо, сохранил. Согласие можно отозвать в любой момент: /consent.",
    en="Thank you, I have kept it. You can take your consent back at any time: /consent.",
)
ALLOWED = Text(
    ru="Спасибо, согласие записал. Контакт можно прислать сообщением или кнопкой: /contact. Отозвать: /consent.",
    en="Thank you, noted. Send your contact in a message or by a button: /contact. To take that back: /consent.",
)
NOT_KEPT = Text(
    ru="Хорошо, контакт не сохраняю. Разговаривать это не мешает.",
    en="All right, I keep no contact of yours. We can talk all the same.",
)
REVOKED = Text(
    ru="Согласие отозвано, контакты удалены. Удалить всё: /forget.",
    en="Your consent is taken back, your contacts are gone from the card. To erase everything: /forget.",
)
HOLDS = Text(
    ru="Вы разрешили хранить ваши контакты ({date}). Всё, что о вас известно: /mydata.",
    en="You have allowed your contacts to be kept ({date}). All that is known of you: /mydata.",
)
HOLDS_NOT = Text(
    ru="Сейчас ваши контакты не хранятся: согласия нет. Разрешить хранить их, чтобы с вами могли связаться?",
    en="Your contacts are not kept now: there is no consent. May they be kept, so that we can reach you?",
)
SHARE = Text(
    ru="Нажмите кнопку под полем ввода, и Telegram пришлёт мне ваш номер. Этим вы разрешаете сохранить его для связи; "
    "отозвать: /consent.",
    en="Press the button below the field, and Telegram sends me your number. With that you allow me to keep it; "
    "to take that back: /consent.",
)
SHARE_BUTTON = Text(ru="📱 Отправить мой номер", en="📱 Send my number")
MY_NUMBER = Text(ru="Мой номер телефона: {phone}", en="My phone number: {phone}")
THANKS_FOR_NUMBER = Text(
    ru="Спасибо, номер записан: {phone}. Отозвать согласие: /consent.",
    en="Thank you, I have your number: {phone}. To take your consent back: /consent.",
)
BAD_NUMBER = Text(
    ru="Кажется, это не номер телефона. Напишите его в сообщении, например +7 912 345-67-89.",
    en="That does not look like a phone number. Write it in a message, like +44 20 7946 0958.",
)
NOT_YOURS = Text(
    ru="Это чужой контакт, его я не сохраняю. Свой номер отправляет кнопка: /contact.",
    en="That is somebody else's contact, I do not keep it. A button sends your own number: /contact.",
)
# Appointments.
CHOOSE_DAY = Text(ru="На какой день записать? Время: {zone}.", en="Which day suits you? Times are in {zone}.")
CHOOSE_TIME = Text(ru="{day}: во сколько удобно? Время: {zone}.", en="{day}: what time suits you? Times are in {zone}.")
OTHER_DAY = Text(ru="« Другой день", en="« Another day")
NOTHING_FREE = Text(
    ru="В ближайшие дни свободного времени нет. Напишите, когда вам удобно, я передам.",
    en="There is no free time in the coming days. Write when it would suit you, and I pass it on.",
)
TAKE = Text(ru="Запишите меня на {time}", en="Book {time} for me")
HELD = Text(
    ru="**{time}**: держу это время для вас 15 минут. Подтвердите, и я пришлю файл для вашего календаря.",
    en="**{time}**: I hold this time for you for 15 minutes. Confirm it, and I send a file for your calendar.",
)
MOVED = Text(ru="Перенёс: **{time}**.", en="Moved to **{time}**.")
CONFIRM = Text(ru="✅ Подтвердить", en="✅ Confirm")
OTHER_TIME = Text(ru="🔁 Другое время", en="🔁 Another time")
CANCEL = Text(ru="✖️ Отменить", en="✖️ Cancel")
I_CONFIRM = Text(ru="Подтверждаю встречу", en="I confirm the meeting")
I_CANCEL = Text(ru="Отмените встречу", en="Cancel the meeting")
CONFIRMED = Text(
    ru="Спасибо, записал: **{time}**. Файл для календаря пришлю следом; перенести или отменить: /meetings.",
    en="Thank you, it is set: **{time}**. A file for your calendar follows; to move or cancel it: /meetings.",
)
CANCELLED = Text(ru="Встреча отменена, время свободно.", en="The meeting is cancelled, the time is free again.")
ADD_NUMBER = Text(
    ru="Чтобы с вами могли связаться, оставьте номер: /contact.",
    en="So that we can reach you, leave a number: /contact.",
)
NO_MEETINGS = Text(ru="Встреч пока нет.", en="There are no meetings yet.")
MEETINGS = Text(ru="**Ваши встречи**", en="**Your meetings**")
TENTATIVE_MARK = Text(ru="ждёт подтверждения", en="waits for your confirmation")
CONFIRMED_MARK = Text(ru="подтверждена", en="confirmed")
NO_CALENDAR = Text(
    ru="Записаться здесь пока нельзя: у бота нет календаря.",
    en="No times can be booked here yet: the bot has no calendar.",
)
# To the owner.
READY = Text(
    ru="🔥 **{name}** готов к консультации: {score} из 100, стадия «{stage}». Карточка № {number}.\n\n{facts}",
    en="🔥 **{name}** is ready for a consultation: {score} of 100, stage “{stage}”. Lead {number}.\n\n{facts}",
)
