using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Lemma.Formulas;

/// <summary>General registers of x86-64. Of those that are used, every calling convention asks to keep Rbx, Rbp, R14 and R15, Windows' Rsi and Rdi too.</summary>
internal enum Register
{
    Rax = 0, Rcx = 1, Rdx = 2, Rbx = 3, Rsp = 4, Rbp = 5, Rsi = 6, Rdi = 7, R8 = 8, R9 = 9, R10 = 10, R11 = 11, R14 = 14, R15 = 15,
}

/// <summary>A place in memory: a register, another one times a scale, and an offset.</summary>
/// <param name="Base">The register.</param>
/// <param name="Offset">Bytes behind it.</param>
/// <param name="Index">The other one, or <see cref="Register.Rsp"/> for none.</param>
/// <param name="Scale">What it is multiplied by: 1, 2, 4 or 8.</param>
internal readonly record struct Place(Register Base, int Offset = 0, Register Index = Register.Rsp, int Scale = 1);

/// <summary>Writes the few instructions of x86-64, AVX-512 and its VNNI that tiles are made of.</summary>
/// <remarks>
/// Vectors are numbered 0 to 31. Source: Intel 64 and IA-32 Architectures Software Developer's Manual, volume 2, sections 2.2 and 2.7.
/// </remarks>
internal sealed class MachineCode
{
    private const int Multiple = 64;
    private const byte OrAndBits = 0xF8;

    private readonly List<byte> bytes = [];

    /// <summary>The code so far.</summary>
    public ReadOnlySpan<byte> Bytes => CollectionsMarshal.AsSpan(bytes);

    /// <summary>The place where code goes on.</summary>
    public int Here => bytes.Count;

    /// <summary>nop up to the next multiple of 64 bytes, a line of the cache; returns the place.</summary>
    public int Align()
    {
        while (bytes.Count % Multiple is > 0 and <= Multiple - 8)
            Write(0x0F, 0x1F, 0x84, 0, 0, 0, 0, 0);
        while (bytes.Count % Multiple != 0)
            Write(0x90);
        return bytes.Count;
    }

    /// <summary>vpxord: zero in a 512-bit vector.</summary>
    public void Clear(int vector) => Vector(map: 1, prefix: 1, operation: 0xEF, length: 2, vector, vector, vector);

    /// <summary>vmovups: 16 floats at a register and an offset.</summary>
    public void Load(int vector, Register from, int offset = 0) => Vector(1, 0, 0x10, 2, vector, 0, from, offset, 64);

    /// <summary>vmovups: a vector into memory.</summary>
    public void Store(int vector, Register to, int offset = 0) => Vector(1, 0, 0x11, 2, vector, 0, to, offset, 64);

    /// <summary>vmovups: the lower 128 bits of a vector from memory.</summary>
    public void LoadQuarter(int vector, Register from, int offset) => Vector(1, 0, 0x10, 0, vector, 0, from, offset, 16);

    /// <summary>vmovups: the lower 128 bits of a vector into memory.</summary>
    public void StoreQuarter(int vector, Register to, int offset) => Vector(1, 0, 0x11, 0, vector, 0, to, offset, 16);

    /// <summary>vbroadcastss: one float in all 16 places.</summary>
    public void Broadcast(int vector, Register from, int offset) => Vector(2, 1, 0x18, 2, vector, 0, from, offset, 4);

    /// <summary>vpbroadcastd: 32 bits of memory in all 16 places.</summary>
    public void BroadcastWhole(int vector, Place from) => Vector(2, 1, 0x58, 2, vector, 0, from, 4);

    /// <summary>vmovaps: a vector into another one.</summary>
    public void Copy(int to, int from) => Vector(1, 0, 0x28, 2, to, 0, from);

    /// <summary>vmulps: x·y.</summary>
    public void Multiply(int product, int x, int y) => Vector(1, 0, 0x59, 2, product, x, y);

    /// <summary>vfmadd231ps: sum = x·y + sum, rounded once.</summary>
    public void Fused(int sum, int x, int y) => Vector(2, 1, 0xB8, 2, sum, x, y);

    /// <summary>vaddps: sum = sum + 16 floats in memory.</summary>
    public void Add(int sum, Register from, int offset = 0) => Vector(1, 0, 0x58, 2, sum, sum, from, offset, 64);

    /// <summary>vpdpbusd: each lane of sum += four bytes without a sign times four with one, the same four for all lanes.</summary>
    public void SumProducts(int sum, int unsigned, Place signed) => Vector(2, 1, 0x50, 2, sum, unsigned, signed, 4, isOneForAll: true);

    /// <summary>vpdpbusd: each lane of sum += four bytes without a sign times four with one.</summary>
    public void SumProducts(int sum, int unsigned, int signed) => Vector(2, 1, 0x50, 2, sum, unsigned, signed);

    /// <summary>vcvtdq2ps: whole numbers of 32 bits become floats.</summary>
    public void ToFloats(int vector) => Vector(1, 0, 0x5B, 2, vector, 0, vector);

    /// <summary>vmulps: x times one float for all lanes.</summary>
    public void Multiply(int product, int x, Place one) => Vector(1, 0, 0x59, 2, product, x, one, 4, isOneForAll: true);

    /// <summary>vfmadd231ps: sum = x times one float for all lanes + sum, rounded once.</summary>
    public void Fused(int sum, int x, Place one) => Vector(2, 1, 0xB8, 2, sum, x, one, 4, isOneForAll: true);

    /// <summary>vpandd: the bits of 64 bytes in memory that a mask has.</summary>
    public void And(int vector, int mask, Place from) => Vector(1, 1, 0xDB, 2, vector, mask, from, 64);

    /// <summary>vpandd: the bits of a vector that a mask has.</summary>
    public void And(int vector, int mask) => Vector(1, 1, 0xDB, 2, vector, mask, vector);

    /// <summary>vpternlogd: a | b &amp; mask.</summary>
    public void OrAnd(int a, int b, int mask)
    {
        Vector(3, 1, 0x25, 2, a, b, mask);
        Write(OrAndBits);
    }

    /// <summary>vpternlogd: a | mask &amp; 64 bytes in memory.</summary>
    public void OrAnd(int a, int mask, Place from)
    {
        Vector(3, 1, 0x25, 2, a, mask, from, 64);
        Write(OrAndBits);
    }

    /// <summary>vpsllw or vpsrlw: words in memory moved left, or right where the count is negative.</summary>
    public void Shift(int vector, Place from, int left)
    {
        // The operation's number stands where others have their first vector, and that one where others have their second.
        Vector(1, 1, 0x71, 2, left > 0 ? 6 : 2, vector, from, 64);
        Write((byte)Math.Abs(left));
    }

    /// <summary>prefetcht0: the line of a place.</summary>
    public void Fetch(Register at) => Write((byte)(0x40 | (int)at >> 3), 0x0F, 0x18, (byte)(0x48 | (int)at & 7), 0);

    /// <summary>vzeroupper: what is above 128 bits becomes zero, so that older instructions do not wait for it.</summary>
    public void ClearUpper() => Write(0xC5, 0xF8, 0x77);

    /// <summary>mov of 64 bits.</summary>
    public void Move(Register to, Register from) => Wide(0x89, (int)from, to);

    /// <summary>mov of 64 bits from the stack, at most 127 bytes above its pointer.</summary>
    public void MoveFromStack(Register to, int offset) =>
        Write((byte)(0x48 | (int)to >> 3 << 2), 0x8B, (byte)(0x44 | ((int)to & 7) << 3), 0x24, checked((byte)offset));

    /// <summary>mov of 64 bits from memory.</summary>
    public void Move(Register to, Place from) => Wide(0x8B, (int)to, from);

    /// <summary>mov of 32 bits, the rest zero.</summary>
    public void Move(Register to, int value)
    {
        Write((byte)(0x40 | (int)to >> 3), (byte)(0xB8 | (int)to & 7));
        WriteNumber(value);
    }

    /// <summary>vpbroadcastd: 32 bits of a register in all 16 places.</summary>
    public void Broadcast(int vector, Register from) => Vector(2, 1, 0x7C, 2, vector, 0, (int)from);

    /// <summary>push.</summary>
    public void Push(Register register) => Write((byte)(0x40 | (int)register >> 3), (byte)(0x50 | (int)register & 7));

    /// <summary>pop.</summary>
    public void Pop(Register register) => Write((byte)(0x40 | (int)register >> 3), (byte)(0x58 | (int)register & 7));

    /// <summary>add of 64 bits in memory.</summary>
    public void Add(Register sum, Place other) => Wide(0x03, (int)sum, other);

    /// <summary>add of a constant to 64 bits in memory.</summary>
    public void Add(Place sum, int value)
    {
        Wide(0x81, 0, sum);
        WriteNumber(value);
    }

    /// <summary>add of 64 bits.</summary>
    public void Add(Register sum, Register other) => Wide(0x01, (int)other, sum);

    /// <summary>add of a constant; a jump may ask whether the sum is zero.</summary>
    public void Add(Register sum, int value)
    {
        Wide(0x81, 0, sum);
        WriteNumber(value);
    }

    /// <summary>test: a jump may ask whether the register is zero.</summary>
    public void Test(Register register) => Wide(0x85, (int)register, register);

    /// <summary>jnz to a place before.</summary>
    public void JumpBackUnlessZero(int place)
    {
        Write(0x0F, 0x85);
        WriteNumber(place - (bytes.Count + 4));
    }

    /// <summary>jz to a place that <see cref="Land"/> says later.</summary>
    public int JumpIfZero()
    {
        Write(0x0F, 0x84);
        WriteNumber(0);
        return bytes.Count;
    }

    /// <summary>jnz to a place that <see cref="Land"/> says later.</summary>
    public int JumpUnlessZero()
    {
        Write(0x0F, 0x85);
        WriteNumber(0);
        return bytes.Count;
    }

    /// <summary>Here is where a jump goes.</summary>
    public void Land(int jump) =>
        BinaryPrimitives.WriteInt32LittleEndian(CollectionsMarshal.AsSpan(bytes)[(jump - 4)..], bytes.Count - jump);

    /// <summary>xgetbv of register 0: rax has which vectors the operating system keeps for a thread.</summary>
    public void ReadKeptState() => Write(0x31, 0xC9, 0x0F, 0x01, 0xD0);

    /// <summary>ret.</summary>
    public void Return() => Write(0xC3);

    private void Wide(byte operation, int register, Register operand) => Write((byte)(0x48 | register >> 3 << 2 | (int)operand >> 3),
        operation, (byte)(0xC0 | (register & 7) << 3 | (int)operand & 7));

    private void Wide(byte operation, int register, Place operand)
    {
        if (operand.Index != Register.Rsp || operand.Base == Register.Rsp)
            throw new ArgumentException($"machine code: whole numbers are read at a register and an offset, not at {operand}");
        Write((byte)(0x48 | register >> 3 << 2 | (int)operand.Base >> 3), operation, (byte)(0x40 | (register & 7) << 3 | (int)operand.Base & 7),
            (byte)checked((sbyte)operand.Offset));
    }

    private void Vector(int map, int prefix, byte operation, int length, int vector, int second, int third)
    {
        Prefix(map, prefix, length, vector, second, third, third >> 4, isOneForAll: false);
        Write(operation, (byte)(0xC0 | (vector & 7) << 3 | third & 7));
    }

    private void Vector(int map, int prefix, byte operation, int length, int vector, int second, Register address, int offset, int unit) =>
        Vector(map, prefix, operation, length, vector, second, new Place(address, offset), unit, isOneForAll: false);

    // Offsets are counted in units of what is read or written, in one byte.
    private void Vector(int map, int prefix, byte operation, int length, int vector, int second, Place place, int unit, bool isOneForAll = false)
    {
        if (place.Offset % unit != 0)
            throw new ArgumentException($"machine code: an offset must be a multiple of {unit}, {place.Offset}");
        bool isIndexed = place.Index != Register.Rsp || place.Base == Register.Rsp;
        Prefix(map, prefix, length, vector, second, (int)place.Base, (int)place.Index >> 3, isOneForAll);
        Write(operation, (byte)(0x40 | (vector & 7) << 3 | (isIndexed ? 4 : (int)place.Base & 7)));
        if (isIndexed)
            Write((byte)(int.Log2(place.Scale) << 6 | ((int)place.Index & 7) << 3 | (int)place.Base & 7));
        Write((byte)checked((sbyte)(place.Offset / unit)));
    }

    // EVEX: the fifth and fourth bits of registers are stored inverted; the fifth of a third vector has the place of an index' fourth.
    private void Prefix(int map, int prefix, int length, int vector, int second, int third, int index, bool isOneForAll) => Write(0x62,
        (byte)((~vector >> 3 & 1) << 7 | (~index & 1) << 6 | (~third >> 3 & 1) << 5 | (~vector >> 4 & 1) << 4 | map),
        (byte)((~second & 15) << 3 | 4 | prefix),
        (byte)(length << 5 | (isOneForAll ? 16 : 0) | (~second >> 4 & 1) << 3));

    private void Write(params ReadOnlySpan<byte> code) => bytes.AddRange(code);

    private void WriteNumber(int value)
    {
        Span<byte> number = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(number, value);
        bytes.AddRange(number);
    }
}
