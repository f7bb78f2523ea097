namespace Lemma.Formulas;

/// <summary>
/// Machine code of f(<see cref="QuantizedCall"/>*): one to twelve rounded rows times some columns of a panel, or one to six times two panels; 16 rows of the
/// weight in a vector.
/// </summary>
/// <remarks>
/// Whole numbers are unpacked as <see cref="IPackedNumbers"/> does, in registers, and met by all rows; sums are those of <see cref="QuantizedTile"/>.
/// With two panels what is read of a row serves 32 rows of the weight: two thirds of the loads, which are what bounds one panel.
/// <code>
///   for 32 columns:   a row's sum begins (−offset·Σ q)
///                     for 4 columns: u = [64 bytes] of each panel; for each row: sum += u · [4 bytes of the row, in all lanes]
///                     for each row:  c = fma(s · [s of the row], sum, c), and c = fma(m, [s·Σ q], c)
///   for 16 columns a scale: twice, with the row's s of both
/// </code>
/// </remarks>
internal static class GeneratedQuantizedCode
{
    /// <summary>The most rows with one panel, and twice the most with two: sums and c take 24 of 32 vectors.</summary>
    public const int MostRows = 12;

    // Vectors that a function may change on every system: 0 to 5 and 16 to 31. The lower quarters of the others are kept on Windows.
    private const int Free = 22;

    // Of two panels the second's numbers and scales stand one further. Minima come when scales are no longer needed.
    private const int Numbers = 0, Scales = 2, Other = 4, Scaled = 5, Mask = 6, MaskOfMore = 7, Sums = 8;

    private const Register Call = Register.Rcx, Weights = Register.Rdx, Row0 = Register.R8, Row5 = Register.R9, Row10 = Register.R10, Second = Register.R10,
        One = Register.R11, Three = Register.Rbx, Temporary = Register.Rax, Scale = Register.Rbp, Next = Register.R15, Line = Register.R14,
        BlockStride = Register.Rsi, PartStride = Register.Rdi;

    /// <summary>Writes one function and returns its place.</summary>
    /// <param name="code">Where.</param>
    /// <param name="bits">Bits of a number where it lies.</param>
    /// <param name="isHalf">Whether a scale is for 16 columns, not for 32.</param>
    /// <param name="hasMinima">Whether there are minima.</param>
    /// <param name="rows">Rows: 1 to 12, with two panels to 6.</param>
    /// <param name="panels">Panels: 1 or 2.</param>
    /// <param name="windows">Windows' calling convention, not System V's.</param>
    public static int Write(MachineCode code, int bits, bool isHalf, bool hasMinima, int rows, int panels, bool windows)
    {
        int kept = windows ? Math.Max(0, Sums + 2 * rows * panels - Free) : 0, start = code.Align();
        ReadOnlySpan<Register> saved = windows ? [Register.Rbx, Register.Rbp, Register.R14, Register.R15, Register.Rsi, Register.Rdi]
            : [Register.Rbx, Register.Rbp, Register.R14, Register.R15];
        foreach (Register register in saved)
            code.Push(register);
        if (kept > 0)
            code.Add(Register.Rsp, -16 * kept);
        for (int i = 0; i < kept; i++)
            code.StoreQuarter(Vector(Free + i), Register.Rsp, 16 * i);
        if (!windows)
            code.Move(Call, Register.Rdi);
        Begin(code, bits, rows, panels);
        int loop = code.Align();
        for (int half = 0; half < (isHalf ? 2 : 1); half++)
        {
            Start(code, rows, panels);
            for (int group = half * 4; group < (isHalf ? half * 4 + 4 : 8); group++)
            {
                for (int panel = 0; panel < panels; panel++)
                    Unpack(code, bits, group, panel);
                for (int row = 0; row < rows; row++)
                {
                    // One panel reads the row in the instruction, two read it once for both.
                    if (panels > 1)
                        code.BroadcastWhole(Vector(Other), RowAt(row, 4 * group));
                    for (int panel = 0; panel < panels; panel++)
                    {
                        if (panels > 1)
                            code.SumProducts(Sum(row, panel, panels), Vector(Numbers + panel), Vector(Other));
                        else
                            code.SumProducts(Sum(row, 0, 1), Vector(Numbers), RowAt(row, 4 * group));
                    }
                }
            }
            if (half == 0)
                FetchNext(code);
            AddScaled(code, rows, panels);
            if (hasMinima)
                AddMinima(code, rows, panels);
        }
        code.Add(QuantizedCall.Scale, sizeof(float));
        code.Add(Weights, 64 * bits);
        if (panels > 1)
            code.Add(Second, 64 * bits);
        code.Add(Row0, QuantizedLayout.Block);
        if (rows > 5)
            code.Add(Row5, QuantizedLayout.Block);
        if (rows > 10)
            code.Add(Row10, QuantizedLayout.Block);
        code.Add(QuantizedCall.Blocks, -1);
        code.JumpBackUnlessZero(loop);
        code.Move(Line, QuantizedCall.Stride);
        EachRow(code, rows, QuantizedCall.C, Line, row =>
        {
            for (int panel = 0; panel < panels; panel++)
                code.Store(C(row, panel, rows, panels), Temporary, 64 * panel);
        });
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
    private static void Begin(MachineCode code, int bits, int rows, int panels)
    {
        code.Move(Weights, QuantizedCall.Numbers);
        code.Move(Row0, QuantizedCall.Rows);
        code.Move(One, QuantizedCall.Columns);
        code.Move(Three, One);
        code.Add(Three, One);
        code.Add(Three, One);
        Further(code, Row5, Row0);
        if (panels > 1)
        {
            code.Move(Second, Weights);
            code.Add(Second, QuantizedCall.Second);
        }
        else
            Further(code, Row10, Row5);
        code.Move(Scale, QuantizedCall.Scales);
        code.Move(Next, QuantizedCall.Next);
        code.Move(BlockStride, QuantizedCall.BlockStride);
        code.Move(PartStride, QuantizedCall.PartStride);
        SetMask(code, Mask, bits is 2 or 3 ? 0x03030303 : 0x0F0F0F0F);
        SetMask(code, MaskOfMore, bits switch { 3 => 0x04040404, 5 => 0x10101010, _ => 0x30303030 });
        code.Move(Line, QuantizedCall.Stride);
        EachRow(code, rows, QuantizedCall.C, Line, row =>
        {
            for (int panel = 0; panel < panels; panel++)
                code.Load(C(row, panel, rows, panels), Temporary, 64 * panel);
        });
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

    private static void Start(MachineCode code, int rows, int panels)
    {
        EachRow(code, rows, QuantizedCall.Starts, PartStride, row =>
        {
            code.Broadcast(Sum(row, 0, panels), Temporary, 0);
            if (panels > 1)
                code.Copy(Sum(row, 1, panels), Sum(row, 0, panels));
        });
        code.Add(QuantizedCall.Starts, sizeof(int));
    }

    // The four columns of a group for 16 rows of the weight.
    private static void Unpack(MachineCode code, int bits, int group, int panel)
    {
        int numbers = Vector(Numbers + panel);
        Register weights = panel == 0 ? Weights : Second;
        switch (bits)
        {
            case 8:
                code.Load(numbers, weights, 64 * group);
                break;
            case 2 or 3:
                First(code, numbers, new Place(weights, 64 * (group / 4)), -(group % 4 * 2));
                if (bits == 3)
                    Above(code, numbers, new Place(weights, 64 * 2), 2 - group);
                break;
            default:
                First(code, numbers, new Place(weights, 64 * (group % 4)), -(group / 4 * 4));
                if (bits == 5)
                    Above(code, numbers, new Place(weights, 64 * 4), 4 - group);
                if (bits == 6)
                    Above(code, numbers, new Place(weights, 64 * (4 + group / 4)), 4 - group % 4 * 2);
                break;
        }
    }

    private static void First(MachineCode code, int numbers, Place place, int left)
    {
        if (left == 0)
        {
            code.And(numbers, Vector(Mask), place);
            return;
        }
        code.Shift(numbers, place, left);
        code.And(numbers, Vector(Mask));
    }

    private static void Above(MachineCode code, int numbers, Place place, int left)
    {
        if (left == 0)
        {
            code.OrAnd(numbers, Vector(MaskOfMore), place);
            return;
        }
        code.Shift(Vector(Other), place, left);
        code.OrAnd(numbers, Vector(Other), Vector(MaskOfMore));
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

    private static void AddScaled(MachineCode code, int rows, int panels)
    {
        LoadOfPanels(code, Scale, panels);
        code.Add(Scale, 64);
        EachRow(code, rows, QuantizedCall.Scale, BlockStride, row =>
        {
            if (panels > 1)
                code.Broadcast(Vector(Other), Temporary, 0);
            for (int panel = 0; panel < panels; panel++)
            {
                if (panels > 1)
                    code.Multiply(Vector(Scaled), Vector(Scales + panel), Vector(Other));
                else
                    code.Multiply(Vector(Scaled), Vector(Scales), new Place(Temporary));
                code.ToFloats(Sum(row, panel, panels));
                code.Fused(C(row, panel, rows, panels), Sum(row, panel, panels), Vector(Scaled));
            }
        });
    }

    private static void AddMinima(MachineCode code, int rows, int panels)
    {
        code.Move(Temporary, QuantizedCall.Minima);
        LoadOfPanels(code, Temporary, panels);
        code.Add(QuantizedCall.Minima, 64);
        EachRow(code, rows, QuantizedCall.Sums, PartStride, row =>
        {
            if (panels > 1)
                code.Broadcast(Vector(Other), Temporary, 0);
            for (int panel = 0; panel < panels; panel++)
            {
                if (panels > 1)
                    code.Fused(C(row, panel, rows, panels), Vector(Scales + panel), Vector(Other));
                else
                    code.Fused(C(row, 0, rows, 1), Vector(Scales), new Place(Temporary));
            }
        });
        code.Add(QuantizedCall.Sums, sizeof(float));
    }

    // 16 floats of each panel.
    private static void LoadOfPanels(MachineCode code, Register from, int panels)
    {
        for (int panel = 0; panel < panels; panel++)
            code.Load(Vector(Scales + panel), from, panel * QuantizedOperands.PanelScales * sizeof(float));
    }

    // With the address of what each row has there.
    private static void EachRow(MachineCode code, int rows, Place first, Register stride, Action<int> write)
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

    private static int Sum(int row, int panel, int panels) => Vector(Sums + row * panels + panel);

    private static int C(int row, int panel, int rows, int panels) => Vector(Sums + (rows + row) * panels + panel);

    private static int Vector(int i) => i < 6 ? i : i < Free ? i + 10 : i - 16;
}
