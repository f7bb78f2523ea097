using System.Buffers.Binary;

namespace Lemma.Formats;

/// <summary>Runs a pickle that makes tensors, dictionaries, lists, tuples, numbers and texts; an opcode or a name beyond those is refused
/// before anything is made of it.</summary>
internal ref struct PickleMachine
{
    private const int MostObjects = 1 << 21, MostMemo = 1 << 22;
    private readonly List<object?> stack = [];
    private readonly List<int> marks = [];
    private readonly Dictionary<long, object?> memo = [];
    private readonly Dictionary<string, TorchStorage> storages;
    private PickleCursor cursor;
    private int objects;

    /// <summary>Stands at a pickle between two places of the file; storages that it names are added.</summary>
    public PickleMachine(PickleCursor cursor, Dictionary<string, TorchStorage> storages)
    {
        this.cursor = cursor;
        this.storages = storages;
    }

    /// <summary>The place behind the pickle, once it has run.</summary>
    public readonly long Position => cursor.Position;

    /// <summary>Runs it to its end.</summary>
    public object? Run()
    {
        while (true)
        {
            byte code = cursor.Opcode();
            if (code == '.')
                return stack.Count == 1 && marks.Count == 0 ? stack[0] : throw cursor.Error($"one value must be left at the end, but {stack.Count} are");
            Step(code);
        }
    }

    private void Step(byte code)
    {
        switch (code)
        {
            case 0x80:
                if (cursor.Take(1)[0] is var protocol and (< 2 or > 5))
                    throw cursor.Error($"the protocol must be 2 to 5, but is {protocol}");
                break;
            case 0x95:
                cursor.Take(8);
                break;
            case (byte)'(':
                marks.Add(stack.Count);
                Count();
                break;
            case (byte)'0':
                Pop();
                break;
            case (byte)'N':
                Push(null);
                break;
            case 0x88 or 0x89:
                Push(code == 0x88);
                break;
            case (byte)'J':
                Push((long)BinaryPrimitives.ReadInt32LittleEndian(cursor.Take(4)));
                break;
            case (byte)'K':
                Push((long)cursor.Take(1)[0]);
                break;
            case (byte)'M':
                Push((long)BinaryPrimitives.ReadUInt16LittleEndian(cursor.Take(2)));
                break;
            case 0x8A:
                Push(cursor.Number(cursor.Take(1)[0]));
                break;
            case (byte)'G':
                Push(BinaryPrimitives.ReadDoubleBigEndian(cursor.Take(8)));
                break;
            case (byte)'X':
                Push(cursor.Text(cursor.Length(4)));
                break;
            case 0x8C:
                Push(cursor.Text(cursor.Length(1)));
                break;
            case 0x8D:
                Push(cursor.Text(cursor.Length(8)));
                break;
            default:
                StepOfContainers(code);
                break;
        }
    }

    private void StepOfContainers(byte code)
    {
        switch (code)
        {
            case (byte)'}':
                Push(new PickleDictionary());
                break;
            case (byte)']':
                Push(new List<object?>());
                break;
            case (byte)')':
                Push(Array.Empty<object?>());
                break;
            case (byte)'t':
                Push(PopToMark());
                break;
            case 0x85 or 0x86 or 0x87:
                Push(PopMany(code - 0x84));
                break;
            case (byte)'a':
                Append(PopMany(1));
                break;
            case (byte)'e':
                Append(PopToMark());
                break;
            case (byte)'s':
                SetItems(PopMany(2));
                break;
            case (byte)'u':
                SetItems(PopToMark());
                break;
            case (byte)'q':
                Remember(cursor.Take(1)[0]);
                break;
            case (byte)'r':
                Remember(BinaryPrimitives.ReadUInt32LittleEndian(cursor.Take(4)));
                break;
            case 0x94:
                Remember(memo.Count);
                break;
            case (byte)'h':
                Recall(cursor.Take(1)[0]);
                break;
            case (byte)'j':
                Recall(BinaryPrimitives.ReadUInt32LittleEndian(cursor.Take(4)));
                break;
            default:
                StepOfNames(code);
                break;
        }
    }

    private void StepOfNames(byte code)
    {
        switch (code)
        {
            case (byte)'c':
                string module = cursor.Line();
                Push(Named(module, cursor.Line()));
                break;
            case 0x93:
                object?[] names = PopMany(2);
                Push(names is [string first, string second] ? Named(first, second) : throw cursor.Error("a name must be two texts, but is not"));
                break;
            case (byte)'Q':
                Push(TorchObjects.Storage(cursor, storages, Pop()));
                break;
            case (byte)'R':
                object?[] call = PopMany(2);
                Push(call is [TorchFunction function, object?[] arguments] ? TorchObjects.Call(cursor, function, arguments)
                    : throw cursor.Error("REDUCE calls what is not a part of tensors"));
                break;
            case (byte)'b':
                // A module's dictionary brings the versions of its layers; nothing else may set the state of an object.
                object? state = Pop();
                if (Top() is not PickleDictionary || state is not PickleDictionary { Members: [("_metadata", _)] })
                    throw cursor.Error("BUILD sets the state of an object, which tensors do not need");
                break;
            default:
                throw cursor.Error($"the opcode 0x{code:X2} is none that tensors need");
        }
    }

    private readonly object Named(string module, string name) => TorchNames.Find(module, name)
        ?? throw cursor.Error($"'{PickleCursor.Shown(module)}.{PickleCursor.Shown(name)}' is no part of a tensor and is not run");

    private void Count()
    {
        if (++objects > MostObjects)
            throw cursor.Error($"it makes more than {MostObjects} values");
    }

    private void Push(object? value)
    {
        Count();
        stack.Add(value);
    }

    private readonly object? Top() => stack.Count > Floor ? stack[^1] : throw cursor.Error("a value is needed, but there is none");

    private readonly object? Pop()
    {
        object? value = Top();
        stack.RemoveAt(stack.Count - 1);
        return value;
    }

    // Values below the last mark belong to what was begun before it.
    private readonly int Floor => marks.Count == 0 ? 0 : marks[^1];

    private readonly object?[] PopMany(int count)
    {
        if (stack.Count - Floor < count)
            throw cursor.Error($"{count} values are needed, but {stack.Count - Floor} are there");
        object?[] values = [.. stack[^count..]];
        stack.RemoveRange(stack.Count - count, count);
        return values;
    }

    private readonly object?[] PopToMark()
    {
        if (marks.Count == 0)
            throw cursor.Error("a mark is needed, but there is none");
        object?[] values = PopMany(stack.Count - marks[^1]);
        marks.RemoveAt(marks.Count - 1);
        return values;
    }

    private readonly void Append(object?[] values)
    {
        if (Top() is not List<object?> list)
            throw cursor.Error("values are added to what is no list");
        list.AddRange(values);
    }

    private readonly void SetItems(object?[] values)
    {
        if (Top() is not PickleDictionary dictionary || values.Length % 2 != 0)
            throw cursor.Error("keys and values are set in what is no dictionary");
        for (int i = 0; i < values.Length; i += 2)
            if (!dictionary.TryAdd(values[i], values[i + 1]))
                throw cursor.Error($"a key must be a text or a whole number and stand once, but '{PickleCursor.Shown(values[i])}' is not or does not");
    }

    private readonly void Remember(long place)
    {
        if (place >= MostMemo)
            throw cursor.Error($"a place in the memo must be below {MostMemo}, but is {place}");
        memo[place] = Top();
    }

    private void Recall(long place) =>
        Push(memo.TryGetValue(place, out object? value) ? value : throw cursor.Error($"place {place} of the memo is empty"));
}
