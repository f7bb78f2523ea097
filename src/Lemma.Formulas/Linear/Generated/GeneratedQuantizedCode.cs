namespace Lemma.Formulas;

/// <summary>Machine code of f(<see cref="QuantizedCall"/>*): one to twelve rounded rows times some columns of a panel, 16 rows of the weight in a vector.</summary>
/// <remarks>
/// Whole numbers are unpacked as <see cref="IPackedNumbers"/> does, in registers, and met by all rows; sums are those of <see cref="QuantizedTile"/>.
/// <code>
///   for 32 columns:   a row's sum begins (−offset·Σ q)
///                     for 4 columns: u = [64 bytes]; for each row: sum += u · [4 bytes of the row, in all lanes]
///                     for each row:  c = fma(s · [s of the row], sum, c), and c = fma(m, [s·Σ q], c)
///   for 16 columns a scale: twice, with the row's s of both
/// </code>
/// </remarks>
internal static class GeneratedQuantizedCode
{
    /// <summary>The most rows: their sums and their c take 24 of 32 vectors.</summary>
    public const int MostRows = 12;

    // Vectors that a function may change on every system: 0 to 5 and 16 to 31. The lower quarters of the others are kept on Windows.
    private const int Free = 22;

    private const int Numbers = 0, More = 1, Scales = 2, Minima = 3, Scaled = 4, Mask = 5, MaskOfMore = 6, Sums = 8;

    private const Register Call = Register.Rcx, Weights = Register.Rdx, Row0 = Register.R8, Row5 = Register.R9, Row10 = Register.R10, One = Register.R11,
        Three = Register.Rbx, Temporary = Register.Rax, Scale = Register.Rbp, Next = Register.R15, Line = Register.R14;

    /// <summary>Writes one function and returns its place.</summary>
    /// <param name="code">Where.</param>
    /// <param name="bits">Bits of a number where it lies.</param>
    /// <param name="isHalf">Whether a scale is for 16 columns, not for 32.</param>
    /// <param name="hasMinima">Whether there are minima.</param>
    /// <param name="rows">Rows: 1 to 12.</param>
    /// <param name="windows">Windows' calling convention, not System V's.</param>
    public static int Write(MachineCode code, int bits, bool isHalf, bool hasMinima, int rows, bool windows)
    {
        int kept = windows ? Math.Max(0, Sums + 2 * rows - Free) : 0, start = code.Align();
        ReadOnlySpan<Register> saved = [Register.Rbx, Register.Rbp, Register.R14, Register.R15];
        foreach (Register register in saved)
            code.Push(register);
        if (kept > 0)
            code.Add(Register.Rsp, -16 * kept);
        for (int i = 0; i < kept; i++)
            code.StoreQuarter(Vector(Free + i), Register.Rsp, 16 * i);
        if (!windows)
            code.Move(Call, Register.Rdi);
        Begin(code, bits, rows);
        int loop = code.Align();
        for (int half = 0; half < (isHalf ? 2 : 1); half++)
        {
            Start(code, rows);
            for (int group = half * 4; group < (isHalf ? half * 4 + 4 : 8); group++)
            {
                Unpack(code, bits, group);
                for (int row = 0; row < rows; row++)
                    code.SumProducts(Sum(row), Vector(Numbers), RowAt(row, 4 * group));
            }
            if (half == 0)
                FetchNext(code);
            AddScaled(code, rows);
            if (hasMinima)
                AddMinima(code, rows);
        }
        code.Add(QuantizedCall.Scale, sizeof(float));
        code.Add(Weights, 64 * bits);
        code.Add(Row0, QuantizedLayout.Block);
        if (rows > 5)
            code.Add(Row5, QuantizedLayout.Block);
        if (rows > 10)
            code.Add(Row10, QuantizedLayout.Block);
        code.Add(QuantizedCall.Blocks, -1);
        code.JumpBackUnlessZero(loop);
        EachRow(code, rows, QuantizedCall.C, QuantizedCall.Stride, row => code.Store(C(row, rows), Temporary));
        code.ClearUpper();
        for (int i = 0; i < kept; i++)
            code.LoadQuarter(Vector(Free + i), Register.Rsp, 16 * i);
        if (kept > 0)
            code.Add(Register.Rsp, 16 * kept);
        for (int i = saved.Length - 1; i >= 0; i--)
            code.Pop(saved[i]);
        code.Return();
        return start;
    }

    // What stays for all columns: addresses, masks, and the rows of c.
    private static void Begin(MachineCode code, int bits, int rows)
    {
        code.Move(Weights, QuantizedCall.Numbers);
        code.Move(Row0, QuantizedCall.Rows);
        code.Move(One, QuantizedCall.Columns);
        code.Move(Three, One);
        code.Add(Three, One);
        code.Add(Three, One);
        Further(code, Row5, Row0);
        Further(code, Row10, Row5);
        code.Move(Scale, QuantizedCall.Scales);
        code.Move(Next, QuantizedCall.Next);
        SetMask(code, Mask, bits is 2 or 3 ? 0x03030303 : 0x0F0F0F0F);
        SetMask(code, MaskOfMore, bits switch { 3 => 0x04040404, 5 => 0x10101010, _ => 0x30303030 });
        EachRow(code, rows, QuantizedCall.C, QuantizedCall.Stride, row => code.Load(C(row, rows), Temporary));
    }

    // Five rows on.
    private static void Further(MachineCode code, Register to, Register from)
    {
        code.Move(to, from);
        code.Add(to, Three);
        code.Add(to, One);
        code.Add(to, One);
    }

    private static void SetMask(MachineCode code, int vector, int bytes)
    {
        code.Move(Temporary, bytes);
        code.Broadcast(Vector(vector), Temporary);
    }

    private static void Start(MachineCode code, int rows)
    {
        EachRow(code, rows, QuantizedCall.Starts, QuantizedCall.PartStride, row => code.Broadcast(Sum(row), Temporary, 0));
        code.Add(QuantizedCall.Starts, sizeof(int));
    }

    // The four columns of a group for 16 rows of the weight.
    private static void Unpack(MachineCode code, int bits, int group)
    {
        switch (bits)
        {
            case 8:
                code.Load(Vector(Numbers), Weights, 64 * group);
                break;
            case 2 or 3:
                First(code, group / 4, -(group % 4 * 2));
                if (bits == 3)
                    Above(code, 2, 2 - group);
                break;
            default:
                First(code, group % 4, -(group / 4 * 4));
                if (bits == 5)
                    Above(code, 4, 4 - group);
                if (bits == 6)
                    Above(code, 4 + group / 4, 4 - group % 4 * 2);
                break;
        }
    }

    private static void First(MachineCode code, int line, int left)
    {
        Place place = new(Weights, 64 * line);
        if (left == 0)
        {
            code.And(Vector(Numbers), Vector(Mask), place);
            return;
        }
        code.Shift(Vector(Numbers), place, left);
        code.And(Vector(Numbers), Vector(Mask));
    }

    private static void Above(MachineCode code, int line, int left)
    {
        Place place = new(Weights, 64 * line);
        if (left == 0)
        {
            code.OrAnd(Vector(Numbers), Vector(MaskOfMore), place);
            return;
        }
        code.Shift(Vector(More), place, left);
        code.OrAnd(Vector(Numbers), Vector(More), Vector(MaskOfMore));
    }

    private static void FetchNext(MachineCode code)
    {
        code.Move(Line, QuantizedCall.Lines);
        code.Test(Line);
        int none = code.JumpIfZero(), loop = code.Here;
        code.Fetch(Next);
        code.Add(Next, 64);
        code.Add(Line, -1);
        code.JumpBackUnlessZero(loop);
        code.Land(none);
    }

    private static void AddScaled(MachineCode code, int rows)
    {
        code.Load(Vector(Scales), Scale);
        code.Add(Scale, 64);
        EachRow(code, rows, QuantizedCall.Scale, QuantizedCall.BlockStride, row =>
        {
            code.Multiply(Vector(Scaled), Vector(Scales), new Place(Temporary));
            code.ToFloats(Sum(row));
            code.Fused(C(row, rows), Sum(row), Vector(Scaled));
        });
    }

    private static void AddMinima(MachineCode code, int rows)
    {
        code.Move(Temporary, QuantizedCall.Minima);
        code.Load(Vector(Minima), Temporary);
        code.Add(QuantizedCall.Minima, 64);
        EachRow(code, rows, QuantizedCall.Sums, QuantizedCall.PartStride, row => code.Fused(C(row, rows), Vector(Minima), new Place(Temporary)));
        code.Add(QuantizedCall.Sums, sizeof(float));
    }

    // With the address of what each row has there.
    private static void EachRow(MachineCode code, int rows, Place first, Place stride, Action<int> write)
    {
        code.Move(Temporary, first);
        for (int row = 0; row < rows; row++)
        {
            write(row);
            if (row + 1 < rows)
                code.Add(Temporary, stride);
        }
    }

    // A row is 0 to 4 rows behind one whose address is in a register.
    private static Place RowAt(int row, int offset)
    {
        Register five = row < 5 ? Row0 : row < 10 ? Row5 : Row10;
        return (row % 5) switch
        {
            0 => new Place(five, offset),
            3 => new Place(five, offset, Three),
            int more => new Place(five, offset, One, more),
        };
    }

    private static int Sum(int row) => Vector(Sums + row);

    private static int C(int row, int rows) => Vector(Sums + rows + row);

    private static int Vector(int i) => i < 6 ? i : i < Free ? i + 10 : i - 16;
}
