//! tgferry: carries big files into Telegram.
