using System.Globalization;
using System.Text;

namespace Lemma.Text.Patterns;

/// <summary>The characters of a pattern, one after another, and what a backslash makes of them: what all of a pattern shares.</summary>
internal sealed class PatternReader(string pattern)
{
    private readonly int[] scalars = [.. pattern.EnumerateRunes().Select(static rune => rune.Value)];

    /// <summary>The place of the next character.</summary>
    public int At { get; set; }

    /// <summary>Whether no character is left.</summary>
    public bool IsAtEnd => At == scalars.Length;

    /// <summary>The next character, or −1.</summary>
    public int Peek(int ahead = 0) => At + ahead < scalars.Length ? scalars[At + ahead] : -1;

    /// <summary>Takes the next character; at the end it is an error.</summary>
    public int Take() => IsAtEnd ? throw Error("must go on at its end") : scalars[At++];

    /// <summary>Takes the next characters where they are these.</summary>
    public bool TryTake(string text)
    {
        for (int i = 0; i < text.Length; i++)
            if (Peek(i) != text[i])
                return false;
        At += text.Length;
        return true;
    }

    /// <summary>The error that a pattern breaks a rule at the current place.</summary>
    public ArgumentException Error(string rule)
    {
        string shown = pattern.Length <= 60 ? pattern : pattern[..60] + "...";
        return new ArgumentException(string.Create(CultureInfo.InvariantCulture, $"pattern: '{shown}' {rule}, character {At + 1}"));
    }

    /// <summary>The whole number at the current place, or −1 where there is none; too large ones are an error.</summary>
    public int TakeNumber(int most)
    {
        int number = -1;
        for (; Peek() is >= '0' and <= '9'; At++)
            if ((number = (Math.Max(number, 0) * 10) + Peek() - '0') > most)
                throw Error($"must repeat at most {most} times");
        return number;
    }

    /// <summary>The set that an escape names, its letter being the next character; null where it names a single character.</summary>
    /// <param name="isInClass">Whether it stands in brackets: outside of them \w has ², ³, ¹, ¼, ½ and ¾ too, as the peer has it.</param>
    public CharacterSet? TakeSet(bool isInClass)
    {
        CharacterSet Named(string name, bool isNegative)
        {
            At++;
            CharacterSet set = CharacterProperties.Get(name);
            return isNegative ? set.Complement() : set;
        }
        switch (Peek())
        {
            case 'd' or 'D':
                return Named("nd", Peek() == 'D');
            case 's' or 'S':
                return Named("space", Peek() == 'S');
            case 'w' or 'W':
                return Named(isInClass ? "word" : CharacterProperties.WordOrLatinNumber, Peek() == 'W');
            case 'h' or 'H':
                return Named("xdigit", Peek() == 'H');
            case 'p' or 'P' when Peek(1) == '{':
                bool isNegative = Take() == 'P';
                Take();
                if (Peek() == '^')
                {
                    Take();
                    isNegative = !isNegative;
                }
                StringBuilder name = new();
                while (Peek() is not ('}' or -1))
                    name.Append(new Rune(Take()).ToString());
                CharacterSet set = CharacterProperties.Find(name.ToString(), isInClass)
                    ?? throw Error($"names the unknown property '{name}'");
                Take();
                return isNegative ? set.Complement() : set;
            default:
                return null;
        }
    }

    /// <summary>The character that an escape stands for, its letter being the next character.</summary>
    public int TakeEscaped()
    {
        int letter = Take();
        switch (letter)
        {
            case 't':
                return '\t';
            case 'n':
                return '\n';
            case 'r':
                return '\r';
            case 'f':
                return '\f';
            case 'v':
                return '\v';
            case 'a':
                return '\a';
            case 'e':
                return 0x1B;
            case 'x' when Peek() == '{':
                At++;
                int braced = TakeDigits(16, 8);
                if (Take() != '}')
                    throw Error("must close \\x{");
                return braced;
            case 'x':
                return TakeDigits(16, 2);
            case 'u':
                return Peek(3) < 0 ? throw Error("must have four digits after \\u") : TakeDigits(16, 4);
            case 'c':
                return Take() & 0x1F;
            case '0':
                return TakeDigits(8, 2);
            case >= '1' and <= '9' or 'k':
                throw Error("must have no back-reference, for which no linear time is known");
            default:
                return letter;
        }
    }

    private int TakeDigits(int radix, int most)
    {
        long value = 0;
        for (int i = 0; i < most; i++, At++)
        {
            int digit = Peek() is >= 0 and < 0x80 && Uri.IsHexDigit((char)Peek()) ? Convert.ToInt32(((char)Peek()).ToString(), 16) : 16;
            if (digit >= radix)
                break;
            value = (value * radix) + digit;
        }
        return value <= 0x10FFFF && value is < 0xD800 or > 0xDFFF ? (int)value : throw Error("must name a code point of Unicode");
    }
}
