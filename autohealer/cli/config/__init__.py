"""``autohealer config``: check says whether a file holds, show what it says, schema what a file may say."""
